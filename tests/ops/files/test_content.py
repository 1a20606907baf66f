"""One file's content, opened: what is given out was looked at first."""

from pathlib import Path

import pytest

import fluxsecrets
from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat


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
