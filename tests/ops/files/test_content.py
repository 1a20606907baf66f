"""One file's content, opened: what is given out was looked at first."""

import pytest

import fluxsecrets
from fluxsecrets.errors import FormatError, UnprotectedError
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.recipients import Recipient


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


class Respells(YamlFormat):
    """A format with a fault: its text differs from what it should hold."""

    def __init__(self, old, new):
        super().__init__()
        self.old, self.new = old, new

    def rewrite(self, document, changes, metadata):
        return super().rewrite(document, changes, metadata).replace(self.old, self.new)

    def written(self, parts):
        return super().written(parts).replace(self.old, self.new)


FAULTS = [
    (b"a: throwaway", b"a: throwaway "),  # none: the blank is not part of the value
    (b"a: throwaway", b"a: throwaway2"),
    (b"c: 1", b"c: '1'"),
    (b"l: []", b"l:"),
    (b"l: []", b"l: {}"),
    (b"m: {}", b"m: [{}]"),
    (b"# comment", b""),
    (b"# comment", b"# commend"),
    (b"c: 1", b"d: 1"),
    (b"---\n", b""),
    (b"<<: *b", b"'<<': *b"),
]
FAULTY = b"""a: throwaway
l: []
m: {}
c: 1 # comment
b_unencrypted: &b {k: v}
n_unencrypted:
  <<: *b
---
z: throwaway
"""


@pytest.mark.parametrize(("old", "new"), FAULTS)
def test_text_that_holds_something_else_is_not_given_out(identity, tmp_path, old, new):
    data = fluxsecrets.encrypt(FAULTY, age=[identity.recipient])
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    opened = open_file(Respells(old, new), data, session.providers, session.limits)
    if new == old + b" ":
        assert opened.text() == FAULTY.replace(old, new)
        return
    with pytest.raises(FormatError, match="did not pass its own check") as caught:
        opened.text()
    assert "throwaway" not in f"{caught.value!r}{caught.value.hint}"


@pytest.mark.parametrize(("old", "new"), [(b"l: []", b"l:"), (b"m: {}", b"m: []"), (b"c: ", b"c: 1")])
def test_what_is_encrypted_with_another_structure_is_not_given_out(identity, tmp_path, old, new):
    session = Session({"SOPS_AGE_KEY": identity.secret}, tmp_path)
    with pytest.raises(UnprotectedError, match="did not pass its own check"):
        encrypt_content(
            Respells(old, new),
            FAULTY,
            Policy(((Recipient("age", identity.recipient),),)),
            session.providers,
            now="2026-11-23T10:11:12Z",
            limits=session.limits,
        )


@pytest.mark.parametrize(("old", "new"), [(b"1.0", b"1"), (b"[]", b"null"), (b"x", b"y")])
def test_data_that_is_written_otherwise_is_not_given_out(old, new):
    data = [{"a": 1.0, "b": [], "c": "x"}]
    assert YamlFormat().render(data) == b"a: 1.0\nb: []\nc: x\n"
    with pytest.raises(FormatError, match="did not pass its own check"):
        Respells(old, new).render(data)


def test_a_value_that_looks_like_a_ciphertext_is_given_out(identity):
    plain = "a: 'how it looks: ENC[AES256_GCM,data:…]'\nb: [1, 0x1F, ~]\n"
    assert fluxsecrets.decrypt(fluxsecrets.encrypt(plain, age=[identity.recipient])).decode() == (
        plain.replace("0x1F", "31")
    )
