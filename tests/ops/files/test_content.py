"""One file's content, opened: what is given out was looked at first."""

from dataclasses import replace
from pathlib import Path

import pytest

import fluxsecrets
from fluxsecrets.errors import FormatError, LimitError, UnprotectedError
from fluxsecrets.ops.files.content import encrypt_content, open_file, verify
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec


class CutsTooLittle(YamlFormat):
    """A format with a fault: decrypting leaves the block, or a part with the MAC."""

    def __init__(self, keep):
        super().__init__()
        self.keep = keep

    def rewrite(self, document, changes, metadata):
        text = super().rewrite(document, changes, metadata)
        return text + document.source.encode()[-self.keep :]


@pytest.mark.parametrize("keep", [400, 100_000])
def test_text_with_a_block_left_in_it_is_not_given_out(identity, tmp_path, keep):
    data = fluxsecrets.encrypt("a: throwaway\n", age=[identity.recipient])
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    opened = open_file(CutsTooLittle(keep), data, session.providers, session.limits)
    with pytest.raises(FormatError, match="did not pass its own check") as caught:
        opened.text()
    assert "throwaway" not in f"{caught.value!r}{caught.value.hint}"


def test_a_value_that_looks_like_a_ciphertext_is_given_out(identity):
    plain = "a: 'how it looks: ENC[AES256_GCM,data:…]'\nb: [1, 0x1F, ~]\n"
    assert fluxsecrets.decrypt(fluxsecrets.encrypt(plain, age=[identity.recipient])).decode() == (
        plain.replace("0x1F", "31")
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
    verify(YamlFormat(), YamlFormat().parse(written.encode(), Limits()), data, key, Limits())
    plain = YamlFormat().parse(wanted.encode(), Limits())
    if said is None:
        verify(YamlFormat(), plain, data, key, Limits())
        return
    with pytest.raises(UnprotectedError, match=f"nothing was written: {said}") as caught:
        verify(YamlFormat(), plain, data, key, Limits())
    assert caught.value.hint.startswith("this is a bug in fluxsecrets")


def test_what_does_not_open_is_not_written(identity, tmp_path):
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    data, opened, _ = encrypted_with(session, identity, "a: one\n")
    plain = YamlFormat().parse(b"a: one\n", Limits())
    with pytest.raises(UnprotectedError, match="nothing was written"):
        verify(YamlFormat(), plain, data, DataKey.generate(), Limits())
    with pytest.raises(UnprotectedError, match="would not be recognised as encrypted"):
        verify(YamlFormat(), plain, b"a: one\n", opened.opened.data_key, Limits())


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
