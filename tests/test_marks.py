"""What is a ciphertext, and what only looks like one."""

import re
import time

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ciphertexts import DATA, IV, NEAR_MISSES, SHORT_NONCE, TAG, VECTORS, WHOLE, real_ciphertexts
from fluxsecrets.errors import IntegrityError
from fluxsecrets.marks import (
    FLUX_MARKERS,
    FORM,
    KEY_LISTS,
    KINDS,
    SIGN,
    chart_files,
    find_ciphertexts,
    flux_markers,
    folders_above,
    has_marks,
    is_ciphertext,
    is_encrypted_comment,
    is_evident,
    is_kustomization,
    is_public_key,
    is_rules_file,
    is_secret_name,
    may_hold_encrypted_comment,
    name_in,
    read_ciphertext,
    write_ciphertext,
)
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.sops import recipients
from fluxsecrets.sops.cipher import Cipher, DataKey
from fluxsecrets.sops.formats import FORMATS, format_for_path
from fluxsecrets.sops.values import value_from_bytes
from tables import each_row

REAL = real_ciphertexts()


def test_there_are_ciphertexts_of_every_type_and_format():
    assert {name.rpartition(" ")[2] for name in REAL} == set(KINDS) - {
        "bytes"
    }  # sops says str of binary files
    assert {name.rpartition(" ")[0].rpartition(".")[2] for name in REAL} >= {
        "yaml",
        "json",
        "env",
        "ini",
        "bin",
    }


@each_row("text", [*REAL.values(), WHOLE, SHORT_NONCE], ids=[*REAL, "whole", "short nonce"])
def test_what_sops_writes_is_a_ciphertext(text):
    assert text.startswith(SIGN)
    assert is_ciphertext(text)
    assert is_ciphertext(f"  {text}\n")
    assert [*find_ciphertexts(f"a: {text}\nb: '{text}'".encode())] == [text.encode()] * 2
    match = read_ciphertext(text)
    assert write_ciphertext(*(match[part].encode() for part in (1, 2, 3)), match[4]) == text.encode()


def test_the_parts_of_a_ciphertext():
    assert read_ciphertext(WHOLE).groups() == (DATA, IV, TAG, "str")
    assert read_ciphertext(f"{WHOLE}\n") is None


@each_row("text", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_what_only_looks_like_a_ciphertext_is_none(text):
    assert not is_ciphertext(text)
    assert not is_encrypted_comment(text)
    assert read_ciphertext(text) is None


@each_row("text", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_what_only_looks_like_a_ciphertext_is_not_opened(text):
    with pytest.raises(IntegrityError, match="not a SOPS ciphertext"):
        Cipher(DataKey.generate()).decrypt(text, b"a:")


@pytest.mark.parametrize("value", [None, 1, True, b"x", WHOLE.encode(), [WHOLE], ""])
def test_only_text_is_a_ciphertext(value):
    assert not is_ciphertext(value)


@given(st.binary(min_size=1, max_size=60), st.sampled_from(KINDS))
def test_every_ciphertext_of_the_cipher_is_one(value, kind):
    text = Cipher(DataKey.generate()).encrypt(value, b"a:", kind)
    assert is_ciphertext(text)
    assert is_encrypted_comment(text) == (kind == "comment")


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_is_one_that_is_read(kind):
    known = {"int": b"1", "float": b"1", "bool": b"True", "time": b"2026-11-23T00:00:00Z"}
    assert value_from_bytes(kind, known.get(kind, b"x")) is not None


def test_comments():
    comment = WHOLE.replace("type:str", "type:comment")
    assert is_encrypted_comment(comment)
    assert not is_encrypted_comment("ENC[my-real-password,type:comment]")
    assert may_hold_encrypted_comment(f"a: b # {comment}".encode())
    assert not may_hold_encrypted_comment(f"# a\nb: {WHOLE}".encode())


def test_the_ciphertexts_of_a_file():
    data = (VECTORS / "comments" / "encrypted.yaml").read_bytes()
    assert len([*find_ciphertexts(data)]) == data.count(b"ENC[")


FILES = {
    "yaml": 'a: 1\nsops:\n    mac: "{}"\n',
    "json": '{{"a": 1, "sops": {{"mac": "{}"}}}}',
    "dotenv": "A=1\nsops_mac={}\n",
    "ini": "[a]\nb = 1\n[sops]\nmac = {}\n",
}
NAMES = {"yaml": "a.yaml", "json": "a.json", "dotenv": "a.env", "ini": "a.ini"}


@each_row("format_name", FILES)
@each_row("mac", {*real_ciphertexts().values(), WHOLE})
def test_a_block_with_a_mac_shows_it(format_name, mac):
    data = FILES[format_name].format(mac).encode()
    assert has_marks(format_name, data)
    assert has_marks(format_name, data.replace(b"\n", b"\r\n"))
    assert detect_encryption(data, NAMES[format_name]) == format_name


@each_row("format_name", FILES)
@each_row("mac", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_a_mac_that_only_looks_like_one_shows_nothing(format_name, mac):
    data = FILES[format_name].format(mac.replace("\n", "\\n")).encode()
    assert not has_marks(format_name, data)
    for path in (NAMES[format_name], "a", "a.sops.txt"):
        assert detect_encryption(data, path) is None


@pytest.mark.parametrize(
    "form", ["mac: {}", "'mac': '{}'", "mac: |-\n        {}", "mac: {} # here", "x: {{mac: '{}'}}"]
)
def test_a_mac_in_every_style_of_yaml(form):
    assert has_marks("yaml", f"sops:\n    {form.format(WHOLE)}\n".encode())
    assert has_marks("yaml", f"sops:\n    {form.format(WHOLE)}".encode())


@pytest.mark.parametrize("format_name", ["yaml", "json", "ini"])
def test_a_mac_alone_is_not_enough(format_name):
    assert not has_marks(format_name, FILES[format_name].format(WHOLE).replace("sops", "soap").encode())


GLUE = st.sampled_from([b"", b" ", b"\t", b"\n", b"\r\n", b'"', b"'", b":", b"{", b",", b"#", b"a"])
BLOCK = st.builds(b"%bsops%b:%b".__mod__, st.tuples(GLUE, GLUE, GLUE))
MAC = st.builds(
    b"%bmac%b:%b%b%b%b".__mod__,
    st.tuples(GLUE, GLUE, GLUE, GLUE, st.sampled_from([WHOLE.encode(), SHORT_NONCE.encode()]), GLUE),
)
PIECES = st.lists(
    BLOCK
    | MAC
    | GLUE
    | st.sampled_from([b"sops", b"mac", b"|-\n", *(each.encode() for each in NEAR_MISSES.values())])
    | st.sampled_from(
        [b"\nsops:\n", b"\n 'sops' :", b'\n  "mac": "%b"' % WHOLE.encode(), b"{mac: %b " % WHOLE.encode()]
    ),
    max_size=8,
).map(b"".join)


@given(PIECES)
def test_marks_of_yaml_are_what_one_expression_each_finds(data):
    form = FORM.encode()
    block = re.search(rb"""(?m)^[ \t]*["']?sops["']?[ \t]*:""", data)
    mac = rb"""(?:^|[\s{,])["']?mac["']?\s*:\s*(?:[|>][-+0-9]*\s*)?["']?"""
    macs = re.finditer(mac + form + rb"""(?=["']|[ \t]*(?:[\r\n#]|\Z))""", data)
    expected = block is not None and any(len(match[1]) % 4 == 0 for match in macs)
    event(f"marks: {expected}, block: {block is not None}")
    assert has_marks("yaml", data) == expected


def test_a_long_line_is_searched_once():
    data = b"a: " + b"sops:mac:" * 2**20 + WHOLE.encode()
    start = time.process_time()
    assert not has_marks("yaml", data)
    assert time.process_time() - start < 20, "seconds; it would take hours"


@each_row("path", sorted(VECTORS.glob("*/encrypted*")), ids=lambda path: path.parent.name)
def test_what_sops_writes(path):
    data, name = path.read_bytes(), format_for_path(path.name)
    assert has_marks("json" if name == "binary" else name, data)
    assert is_evident(name, data) == (name in ("yaml", "dotenv", "ini"))
    assert detect_encryption(data, path.name) == name
    assert name in flux_markers(data)


def test_markers_are_looked_for_as_bytes():
    assert flux_markers(b'  "mac": "ENC[AES') == {"json", "binary"}
    assert flux_markers(b'"mac":"ENC[AES') == frozenset()
    assert flux_markers(b"    mac: ENC[AES") == {"yaml"}
    assert flux_markers(b"sops_mac=ENC[AES\n[sops]") == {"dotenv", "ini"}


def test_every_format_has_its_marks():
    assert set(FILES) == set(FORMATS) - {"binary"}  # which has those of JSON
    assert set(FLUX_MARKERS) == set(FORMATS)


def test_every_kind_of_key_has_its_list():
    assert set(KEY_LISTS) == set(recipients.KINDS)


@pytest.mark.parametrize(
    "path", ["a.sops.yaml", "x/b.enc.json", "c.sops.env", "key.enc.pem", ".x.sops.yaml", "a.sops.b.sops."]
)
def test_names_that_say_secret(path):
    assert is_secret_name(path)


@pytest.mark.parametrize(
    "path",
    [
        ".sops.yaml",
        "x/.sops.yaml",
        "sops.yaml",
        "a.sops",
        "a.sops.",
        "a.sopsy.yaml",
        "a.enc/b.yaml",
        ".enc.a",
    ],
)
def test_names_that_do_not(path):
    assert not is_secret_name(path)


def test_public_keys_lie_in_their_folder():
    assert is_public_key("keys/alice.pub")
    for path in ("keys/alice.txt", "keys/old/alice.pub", "x/keys/alice.pub", "alice.pub", "mykeys/alice.pub"):
        assert not is_public_key(path)


def test_files_known_by_their_names():
    assert is_rules_file("x/.sops.yaml")
    assert not is_rules_file("x/a.sops.yaml")
    assert is_kustomization("x/Kustomization")
    assert not is_kustomization("x/my-kustomization.yaml")
    assert (name_in("a/b"), name_in("b")) == ("b", "b")


def test_the_charts_that_a_template_may_be_of():
    assert [*chart_files("charts/a/templates/x/templates/b.yaml")] == [
        "charts/a/Chart.yaml",
        "charts/a/templates/x/Chart.yaml",
    ]
    assert [*chart_files("templates/a.yaml")] == ["Chart.yaml"]
    assert [*chart_files("a/templates")] == []


def test_the_folders_above_a_path():
    assert list(folders_above("a/b/c.yaml")) == ["a/b", "a", ""]
    assert list(folders_above("c.yaml")) == [""]
    assert list(folders_above("")) == []
