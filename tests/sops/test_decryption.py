import re

import pytest

from fluxsecrets.errors import IntegrityError, NotEncryptedError
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.decryption import open_document
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec, compile_selector

YAML = YamlFormat()
DATA = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^data$")
PLAIN = b"# about\nkind: Secret\ndata:\n  # inside\n  a: one\n  b: two # behind\n  empty: ''\n  none: null\n"
MARKER = "m4rk3r"


def test_a_comment_that_was_added_by_hand_stays_and_is_mentioned(core):
    encrypted = core.encrypt(b"a: b\n").replace(b"a: ENC", b"# new\na: ENC")
    assert core.open(encrypted).warnings == ("the comment on line 1 is not encrypted",)
    assert core.decrypt(encrypted) == b"# new\na: b\n"


@pytest.mark.parametrize("mac_only_encrypted", [False, True])
def test_unencrypted_values_are_covered_unless_said_otherwise(core, mac_only_encrypted):
    encrypted = core.encrypt(PLAIN, DATA, mac_only_encrypted=mac_only_encrypted)
    changed = encrypted.replace(b"kind: Secret", b"kind: Secreu")
    if mac_only_encrypted:
        assert b"Secreu" in core.decrypt(changed)
    else:
        with pytest.raises(IntegrityError, match="MAC does not match"):
            core.open(changed)


@pytest.mark.parametrize(
    ("old", "new", "message", "line"),
    [
        (rb"  a: ENC\[[^\n]*", b"  a: plain", "data.a should be encrypted and is plain text", 5),
        (rb"  a: ENC\[[^\n]*", b"  a: 5", "data.a should be encrypted and is plain text", 5),
        (rb"  a: ENC\[AES256_GCM,data:", b"  a: ENC[AES256_GCM,data:AAAA", "data.a cannot be decrypted", 5),
        (rb"  a: ", b"  c: ", "data.c cannot be decrypted", 5),
        (rb"  a: ENC[^\n]*\n", b"", "MAC does not match", None),
        (rb"  empty: ''", b"  empty: x", "data.empty should be encrypted", 7),
        (rb"kind: Secret", b"kind: &k Secret\nmore: *k", "MAC does not match", None),
        (rb"    mac: [^\n]*\n", b"", "no MAC", None),
    ],
)
def test_what_was_changed_is_refused(core, old, new, message, line):
    encrypted = core.encrypt(PLAIN, DATA)
    changed = re.sub(old, new, encrypted.replace(b"\n  ", b"\n  "))
    changed = changed if changed != encrypted else re.sub(rb"\n  mac: [^\n]*", b"", encrypted)
    with pytest.raises(IntegrityError, match=message) as caught:
        core.open(changed)
    assert caught.value.line == line


def test_an_alias_of_an_encrypted_value_is_refused(core):
    encrypted = core.encrypt(b"data:\n  a: one\nplain: x\n", DATA)
    changed = encrypted.replace(b"  a: ENC", b"  a: &a ENC").replace(b"plain: x", b"plain: *a")
    with pytest.raises(IntegrityError, match="alias of an encrypted value"):
        core.open(changed)


def test_another_key_opens_nothing(core):
    document = YAML.parse(core.encrypt(PLAIN, DATA), Limits())
    with pytest.raises(IntegrityError):
        open_document(document, compile_selector(DATA), DataKey.generate())


def test_a_comment_that_was_moved_out_of_its_map_stays_a_ciphertext(core):
    encrypted = core.encrypt(b"data:\n  # inside\n  a: b\nother: c\n", DATA)
    lines = encrypted.split(b"\n")
    assert lines[1].startswith(b"  #ENC")
    moved = b"\n".join([lines[1].strip(), lines[0], *lines[2:]])
    opened = core.open(moved)
    assert [change.value for change in opened.changes] == ["b"]
    assert core.decrypt(moved) == lines[1].strip() + b"\ndata:\n  a: b\nother: c\n"


def test_a_plain_file_is_not_opened(core):
    with pytest.raises(NotEncryptedError, match="is not encrypted"):
        open_document(YAML.parse(PLAIN, Limits()), compile_selector(DATA), core.key)


def test_a_file_without_its_block_is_not_called_plain(core):
    cut_off = core.encrypt(PLAIN, DATA).split(b"sops:")[0]
    with pytest.raises(NotEncryptedError, match="sops block is missing"):
        open_document(YAML.parse(cut_off, Limits()), compile_selector(DATA), core.key)


@pytest.mark.parametrize(("before", "after"), [("", "{}\n"), ("# about\n", "# about\n{}\n")])
def test_a_block_alone_is_an_empty_map(core, before, after):
    """sops writes `{}` so."""
    text = core.encrypt(b"a: b\nc: {}\n").decode()
    document = YAML.parse(f"{before}{text[text.index('sops:') :]}".encode(), Limits())
    assert YAML.rewrite(document, (), None).decode() == after


def test_no_error_shows_what_was_decrypted(core):
    encrypted = core.encrypt(f"a: {MARKER}\n".encode()).replace(b"type:str]\nsops", b"type:int]\nsops")
    with pytest.raises(IntegrityError, match="not of its type int") as caught:
        core.open(encrypted)
    error = caught.value
    while error is not None:
        assert MARKER not in f"{error!s} {error!r} {getattr(error, 'details', '')}"
        error = error.__cause__ or error.__context__
