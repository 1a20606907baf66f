"""A value that is exchanged by its ciphertext alone leaves the file that the usual way leaves."""

import json
import random
import re
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fluxsecrets
from fluxsecrets.errors import FluxsecretsError, UnprotectedError, UsageError
from fluxsecrets.ops.files import exchange, reencrypt
from fluxsecrets.ops.files.content import OpenedFile, open_file
from fluxsecrets.ops.files.getting import ValueRequest
from fluxsecrets.ops.files.values import NewValue, ValueChange, change_value
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.cipher import Cipher
from fluxsecrets.sops.formats import format_for_path, make_format

VECTORS = Path(__file__).parents[2] / "vectors"
BY_SOPS = [
    case
    for case in json.loads((VECTORS / "sops" / "cases.json").read_text(encoding="utf-8"))
    if case["sops_reads"] and case["identities"] == ["keys/alice.agekey"]
]

TEXTS = (
    *("other", "two words", "yes", "5", "0x1F", "1.5", "2026-11-23", "~", "-", "<<", "# no", "a: b", "a #b"),
    *(
        "'",
        'say "no"',
        "it's",
        "two\nlines",
        "three\n\nlines\n",
        " led",
        "trails ",
        "\ttab",
        "",
        "é",
        "\u2028",
    ),
    *("ENC[AES256_GCM,data:", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a`", "a;b", "a=b", "$a", "true"),
)

SPELLED = """\
# about all
plain: old # not new
double: "old"
single: 'old'
number: 5
word: "yes"
empty: ""
literal: |
  old
  text
flow: {a: old, b: "old", c: 'old'}
items: [old, "old"]
list:
  # of three
  - old
  - key: old
    other: "old"
shown_unencrypted: old
"""

PLAIN = {
    "file.yaml": SPELLED,
    "two.yaml": 'a: "old"\nb: old\n---\na: "old"\nc: old\n',
    "secret.yaml": (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n"
        "data:\n  a: b2xk\nstringData:\n  # new\n  b: old\n"
    ),
    "file.json": '{"a": "old", "b": {"c": ["old", 5, null, "x"], "d": ""}, "e_unencrypted": "old"}\n',
    "file.env": "# about\nA=old\nB=two words\nA_unencrypted=old\nC=old;x\n",
    "file.ini": '; about\n[one]\na = old\nb = "old;x"\n[two]\nc = `old`\nd = two words ; new\n',
}


def session_in(folder, name="alice.agekey"):
    return Session({"SOPS_AGE_KEY_FILE": str(VECTORS / "keys" / name), "HOME": str(folder)}, folder)


def recipient():
    text = (VECTORS / "keys" / "alice.agekey").read_text(encoding="ascii")
    return re.search(r"public key: (\S+)", text)[1]


def keys_of(path):
    """The keys of all values of a file, in brackets."""
    format_ = make_format(format_for_path(path.name))
    session = session_in(path.parent)
    opened = open_file(format_, path.read_bytes(), session.providers, session.limits)
    for leaf in opened.opened.document.leaves:
        yield "".join(f"[{json.dumps(step)}]" for step in leaf.path)


def outcome(path, key, text):
    """What setting a value does, and what it leaves."""
    before = path.read_bytes()
    try:
        request = ValueRequest(path.name, key)
        result = change_value(session_in(path.parent), request, lambda: NewValue(data=text.encode()))
    except FluxsecretsError as error:
        result = type(error), error.message, error.line, error.hint, error.details
    after = path.read_bytes()
    path.write_bytes(before)
    return result, masked(after, before), plain(path, after)


def masked(after, before):
    """The text without new ciphertexts, and without the time."""
    old = set(re.findall(rb"ENC\[[^]]*\]", before))
    text = re.sub(rb"ENC\[[^]]*\]", lambda match: match[0] if match[0] in old else b"ENC[]", after)
    return re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"now", text)


def plain(path, data):
    session = session_in(path.parent)
    format_ = make_format(format_for_path(path.name))
    return open_file(format_, data, session.providers, session.limits).text()


def check(path, monkeypatch, combinations):
    """Both ways do the same; returns how often a ciphertext was exchanged."""
    made, written = [], exchange.Exchange.written
    monkeypatch.setattr(exchange.Exchange, "written", lambda *args: made.append(1) or written(*args))
    for key, text in combinations:
        with monkeypatch.context() as usual:
            usual.setattr(exchange, "exchangeable", lambda *_: None)
            expected = outcome(path, key, text)
        assert outcome(path, key, text) == expected, (key, text)
    return len(made)


@pytest.mark.parametrize("name", PLAIN)
def test_every_value_is_exchanged_for_every_text_as_the_usual_way_does_it(name, tmp_path, monkeypatch):
    path = tmp_path / name
    text, format_name = PLAIN[name], format_for_path(name)
    path.write_bytes(fluxsecrets.encrypt(text, format=format_name, age=[recipient()]))
    keys = [*dict.fromkeys(keys_of(path))]
    choose = random.Random(name)
    usual = [(key, "other") for key in keys]
    assert check(path, monkeypatch, [*usual, *((choose.choice(keys), text) for text in TEXTS)]) >= 2


LINES = {
    "file.yaml": ("a: {}\nb: 'old'\n", '["a"]'),
    "file.json": ('{{"a": "{}", "b": "old"}}\n', '["a"]'),
    "file.env": ("a={}\nb=old\n", '["a"]'),
    "file.ini": ("[one]\na = {}\nb = old\n", '["one"]["a"]'),
}
ODD = st.text(st.sampled_from("ab  \\n\r\n\t;#'\"`=:,.é{}"), max_size=8)


@given(st.sampled_from([*LINES]), ODD, ODD)
def test_any_text_is_exchanged_for_any_other_as_the_usual_way_does_it(name, old, new):
    text, key = LINES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / name
        path.write_bytes(
            fluxsecrets.encrypt(text.format("x"), format=format_for_path(name), age=[recipient()])
        )
        with patch.object(exchange, "exchangeable", lambda *_: None):
            try:
                change_value(session_in(path.parent), ValueRequest(name, key), lambda: NewValue(old.encode()))
            except FluxsecretsError:
                assume(False)  # the format can't hold it
            expected = outcome(path, key, new)
        assert outcome(path, key, new) == expected


@pytest.mark.parametrize("case", BY_SOPS, ids=lambda case: case["name"])
def test_values_of_files_that_sops_wrote_are_exchanged_as_the_usual_way_does_it(case, tmp_path, monkeypatch):
    ending = {"yaml": "yaml", "json": "json", "dotenv": "env", "ini": "ini", "binary": "bin"}[case["format"]]
    path = tmp_path / f"file.{ending}"
    path.write_bytes((VECTORS / case["encrypted"]).read_bytes())
    keys = [*keys_of(path)]
    if not keys:
        pytest.skip("the file has no values")
    choose = random.Random(case["name"])
    check(path, monkeypatch, [(choose.choice(keys), choose.choice(TEXTS)) for _ in range(3)])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file.yaml"
    path.write_bytes(fluxsecrets.encrypt(SPELLED, age=[recipient()]))
    return path


def test_a_usual_change_makes_no_plain_text(file, monkeypatch):
    monkeypatch.setattr(OpenedFile, "text", None)
    for key, text in (("plain", "new"), ("double", "new: #"), ("list[1].other", "5")):
        request = ValueRequest(file.name, key)
        for change in (ValueChange.CHANGED, ValueChange.UNCHANGED):
            found = change_value(session_in(file.parent), request, lambda text=text: NewValue(text.encode()))
            assert found.change is change
    monkeypatch.undo()
    assert b'plain: new # not new\ndouble: "new: #"\n' in plain(file, file.read_bytes())


@pytest.mark.parametrize("what", ["value", "path", "digest"])
def test_nothing_is_written_that_was_not_verified(file, monkeypatch, what):
    before = file.read_bytes()
    encrypt = Cipher.encrypt

    def wrong(cipher, value, data, *rest):
        if value == "new" and what == "value":
            value = "newer"
        return encrypt(cipher, value, b"other:" if value == "new" and what == "path" else data, *rest)

    monkeypatch.setattr(Cipher, "encrypt", wrong)
    if what == "digest":
        monkeypatch.setattr(exchange, "_digest", lambda *_, **__: "0" * 128)
    with pytest.raises(UnprotectedError, match="did not pass its own check"):
        change_value(session_in(file.parent), ValueRequest(file.name, "plain"), lambda: NewValue(b"new"))
    assert file.read_bytes() == before


def test_what_is_about_the_repository_names_no_file(file, monkeypatch):
    def refuse(_):
        raise UsageError("`fluxsecrets rotate` was interrupted here")

    monkeypatch.setattr(reencrypt, "refuse_interrupted", refuse)
    with pytest.raises(UsageError) as caught:
        change_value(session_in(file.parent), ValueRequest(file.name, "plain"), lambda: NewValue(b"new"))
    assert caught.value.path is None
