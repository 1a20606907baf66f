"""One file's content, encrypted: what stays the same stays, and nothing is written unseen."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import fluxsecrets
from fluxsecrets.errors import LimitError, UnprotectedError
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.files.verification import Expected, verify
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.formats import Limits, make_format
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec


def test_an_alias_of_what_holds_comments_alone_is_expanded(identity):
    """sops reads an anchor's comments at each alias, where they would not open."""
    encrypted = fluxsecrets.encrypt("a: &x\n  b: [] # c\nd: *x\ne: f\n", age=[identity.recipient])
    assert b"*x" not in encrypted
    assert fluxsecrets.decrypt(encrypted) == b"a: &x\n  b: [] # c\nd:\n  b: []\ne: f\n"


VECTORS = Path(__file__).parents[2] / "vectors"
BY_SOPS = [
    case
    for case in json.loads((VECTORS / "sops" / "cases.json").read_text(encoding="utf-8"))
    if case["sops_reads"] and case["identities"] == ["keys/alice.agekey"]
]


@pytest.mark.parametrize("case", BY_SOPS, ids=lambda case: case["name"])
def test_what_sops_wrote_comes_back_byte_for_byte_if_nothing_was_changed(case, tmp_path):
    """Values keep their ciphertext and its spelling, comments of equal text too, and the block its layout."""
    session = Session({"SOPS_AGE_KEY_FILE": str(VECTORS / "keys" / "alice.agekey")}, tmp_path)
    format_, data = make_format(case["format"]), (VECTORS / case["encrypted"]).read_bytes()
    opened = open_file(format_, data, session.providers, session.limits)
    assert again(session, opened, opened.text()).data == data


SPELLED = """\
a: x
b: !!str 5
keep: >+
  one

folded: >
  two
  lines
lead: |2
    three
word: "yes"
cert: |
  five
  six
flow: {a: 'b', c: "yes"}
list:
    - |-
      four
"""


def test_only_the_changed_value_its_time_and_its_mac_differ(identity, tmp_path):
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    data = fluxsecrets.encrypt(SPELLED, age=[identity.recipient])
    # sops writes every ciphertext plain.
    data = data.replace(b'word: "ENC', b"word: ENC").replace(b']"\ncert', b"]\ncert")
    data = re.sub(rb"cert: \|-\n +", b"cert: ", data)
    opened = open_file(YamlFormat(), data, session.providers, session.limits)
    new = again(session, opened, opened.text().replace(b"a: x", b"a: z")).data
    pairs = zip(data.splitlines(), new.splitlines(), strict=True)
    assert [one.split(b":")[0].strip() for one, other in pairs if one != other] == [
        *(b"a", b"lastmodified", b"mac")
    ]
    assert b"a: z" in open_file(YamlFormat(), new, session.providers, session.limits).text()


def test_ini_values_keep_the_quotes_of_their_ciphertext(identity, tmp_path):
    """Decrypted, they have the quotes that go-ini needs; sops writes every ciphertext without."""
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    plain = b'[s]\na = `x;y`\nb = "  z"\nc = "# d"\ne = x\n'
    data = fluxsecrets.encrypt(plain.decode(), age=[identity.recipient], format="ini")
    data = re.sub(rb"([`\"])(ENC[^]]*])\1", rb"\2", data)
    opened = open_file(make_format("ini"), data, session.providers, session.limits)
    assert again(session, opened, opened.text()).data == data
    new = again(session, opened, opened.text().replace(b"e = x", b"e = 'q'")).data
    pairs = zip(data.splitlines(), new.splitlines(), strict=True)
    assert [one.split(b"=")[0].strip() for one, other in pairs if one != other] == [
        *(b"e", b"lastmodified", b"mac")
    ]


def test_a_value_that_was_respelled_keeps_its_new_spelling(identity, tmp_path):
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    data = fluxsecrets.encrypt("a: b\nc: |-\n  d\n", age=[identity.recipient])
    opened = open_file(YamlFormat(), data, session.providers, session.limits)
    new = again(session, opened, b"a: 'b'\nc: \"d\"\n").data
    assert open_file(YamlFormat(), new, session.providers, session.limits).text() == b"a: 'b'\nc: \"d\"\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sops:\n", "sops:\n    kms: []\n    hc_vault: []\n"),  # as sops 3.8 wrote it
        ("sops:\n", "sops:\n    own: {a: 1}\n"),
        ("lastmodified: ", "lastmodified:   "),
    ],
)
def test_the_block_keeps_its_layout(identity, tmp_path, old, new):
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    data = fluxsecrets.encrypt("a:\n    b: c\n", age=[identity.recipient]).decode().replace(old, new)
    opened = open_file(YamlFormat(), data.encode(), session.providers, session.limits)
    changed = again(session, opened, b"a: d\n").data.decode().splitlines()[1:]
    pairs = zip(data.splitlines()[2:], changed, strict=True)
    assert {one.split(":")[0].strip() for one, other in pairs if one != other} == {"lastmodified", "mac"}


def test_a_block_of_other_recipients_keeps_its_indentation(identity, tmp_path):
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    data = fluxsecrets.encrypt("a:\n      b: c\n", age=[identity.recipient])
    opened = open_file(YamlFormat(), data, session.providers, session.limits)
    changed = again(session, opened, b"a: d\n", twice=True).data
    assert b"\nsops:\n      age:\n" in changed
    assert changed.count(b"recipient: ") == 2


def again(session, opened, text, *, twice=False):
    """The text encrypted again, as `edit` and `set` do it."""
    metadata = opened.metadata
    policy = Policy(
        groups=tuple(group * (1 + twice) for group in metadata.recipients),
        selector=metadata.selector,
        mac_only_encrypted=metadata.mac_only_encrypted,
    )
    return encrypt_content(
        *(opened.format, text, policy, session.providers),
        now="2030-01-01T00:00:00Z",
        limits=session.limits,
        kubernetes=False,
        previous=opened,
    )


def test_what_would_be_too_large_to_be_read_again_is_not_encrypted(identity, monkeypatch):
    monkeypatch.setattr("fluxsecrets.api._session", lambda: small_session(identity))
    plain = "".join(f"key{number}: {number}\n" for number in range(200))
    with pytest.raises(LimitError, match="encrypted, it would have") as caught:
        fluxsecrets.encrypt(plain, age=[identity.recipient])
    assert "split it" in caught.value.hint


def small_session(identity):
    return Session({"SOPS_AGE_KEY": identity.secret}, Path.cwd(), limits=Limits(size=10_000))


NOW = "2026-11-23T10:11:12Z"


def encrypted_with(session, identity, text, **policy):
    """A text encrypted by a policy, and opened again."""
    plain = Policy(groups=((Recipient("age", identity.recipient),),), **policy)
    data = encrypt_content(
        YamlFormat(), text.encode(), plain, session.providers, now=NOW, limits=Limits(), kubernetes=False
    ).data
    return data, open_file(YamlFormat(), data, session.providers, Limits()), plain


@pytest.mark.parametrize(
    ("written", "wanted", "said"),
    [
        ("a: one\n", "a: two\n", "values differ"),
        ("a: one\n", "a: one \n", None),
        ("a: one\n", "a: 'one '\n", "values differ"),
        # Types, where the bytes are the same
        ("a: 1\n", "a: '1'\n", "values differ"),
        ("a: 1\n", "a: 1.0\n", "values differ"),
        ("a: 1.0\n", "a: 1\n", "values differ"),
        ("a: true\n", "a: 'True'\n", "values differ"),
        ("a: 2026-11-23\n", "a: '2026-11-23T00:00:00Z'\n", "values differ"),
        ("a: !!binary YQ==\n", "a: a\n", None),
        ("a: 0x1F\n", "a: 31\n", None),
        # Values of one type other than text
        ("a: 1\n", "a: 2\n", "values differ"),
        ("a: 1.5\n", "a: 2.5\n", "values differ"),
        ("a: true\n", "a: false\n", "values differ"),
        ("a: 2026-11-23\n", "a: 2026-11-24\n", "values differ"),
        ("a: !!binary YQ==\n", "a: !!binary YR==\n", None),
        ("a: !!binary YQ==\n", "a: !!binary Yg==\n", "values differ"),
        # What is not encrypted counts as well
        ("a_unencrypted: 1\nb: x\n", "a_unencrypted: '1'\nb: x\n", "values differ"),
        ("a: ''\nb: x\n", "a: ~\nb: x\n", "values differ"),
        # Places
        ("a: x\nb: x\n", "a: x\nc: x\n", "values differ"),
        ("a: x\nb: y\n", "b: y\na: x\n", "values differ"),
        ("a: [x, y]\n", "a: [y, x]\n", "values differ"),
        ("a: [x]\n", "a: {b: x}\n", "values differ"),
        # More, and fewer
        ("a: x\nb: y\n", "a: x\n", "values differ"),
        ("a: x\n", "a: x\nb: y\n", "values differ"),
        ("a: x\n---\nb: y\n", "a: x\n", "values differ"),
        # Comments, whose order does not matter
        ("# c\na: x\n", "# d\na: x\n", "comments differ"),
        ("# c\na: x\n", "a: x\n", "comments differ"),
        ("a: x\n", "# c\na: x\n", "comments differ"),
        ("# c\n# c\na: x\n", "# c\na: x\n", "comments differ"),
        ("# c\n# d\na: x\n", "# d\n# c\na: x\n", None),
    ],
)
def test_what_is_written_is_compared_value_by_value(identity, tmp_path, written, wanted, said):
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    data, opened, _ = encrypted_with(session, identity, written)
    key = opened.opened.data_key
    verify(
        YamlFormat(),
        Expected(YamlFormat().parse(written.encode(), Limits()), key, opened.metadata),
        data,
        Limits(),
    )
    plain = YamlFormat().parse(wanted.encode(), Limits())
    if said is None:
        verify(YamlFormat(), Expected(plain, key, opened.metadata), data, Limits())
        return
    with pytest.raises(UnprotectedError, match=f"nothing was written: {said}") as caught:
        verify(YamlFormat(), Expected(plain, key, opened.metadata), data, Limits())
    assert caught.value.hint.startswith("this is a bug in fluxsecrets")


def test_what_does_not_open_is_not_written(identity, tmp_path):
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    data, opened, _ = encrypted_with(session, identity, "a: one\n")
    plain = YamlFormat().parse(b"a: one\n", Limits())
    with pytest.raises(UnprotectedError, match="nothing was written"):
        verify(YamlFormat(), Expected(plain, DataKey.generate(), opened.metadata), data, Limits())
    with pytest.raises(UnprotectedError, match="would not be recognised as encrypted"):
        verify(YamlFormat(), Expected(plain, opened.opened.data_key, opened.metadata), b"a: one\n", Limits())


SELECTOR = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^a$")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"mac_only_encrypted": True}),
        ({"mac_only_encrypted": True}, {}),
        ({}, {"selector": SELECTOR}),
        ({"selector": SELECTOR}, {}),
    ],
)
def test_a_data_key_serves_one_protection_only(identity, tmp_path, before, after):
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    _, opened, policy = encrypted_with(session, identity, "a: one\nb_unencrypted: two\n", **before)
    old = opened.opened.data_key.reveal()

    def again(policy):
        result = encrypt_content(
            YamlFormat(),
            opened.text(),
            policy,
            session.providers,
            now=NOW,
            limits=Limits(),
            kubernetes=False,
            previous=opened,
        )
        new = open_file(YamlFormat(), result.data, session.providers, Limits())
        return result, new.opened.data_key.reveal()

    result, key = again(policy)
    assert (key, result.reused, result.warnings) == (old, result.values, ())
    result, key = again(replace(policy, **{"mac_only_encrypted": False, "selector": None} | after))
    assert key != old
    assert result.reused == 0
    assert result.warnings == ("recipients or selector changed, so the file got a new data key",)
