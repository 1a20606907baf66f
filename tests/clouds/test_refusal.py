"""The reasons why services refuse or fail, and their words."""

import base64
import copy
import pickle

import pytest

from fluxsecrets.clouds import refusal
from fluxsecrets.clouds.refusal import REASONS
from tables import each_row

NAMES = {text for name, text in vars(refusal).items() if name.isupper() and isinstance(text, str)}


def test_each_name_is_a_reason():
    assert set(REASONS) == NAMES


@each_row("name", sorted(REASONS))
def test_each_reason_reads_as_our_errors_do(name):
    error = refusal.refusal(name, "AWS KMS")
    assert "AWS KMS" in error.message
    assert "{" not in error.message
    assert not error.message.endswith(".")
    assert error.hint
    assert error.hint[0].islower()
    assert error.reason == name
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (other.reason, other.message, other.hint) == (name, error.message, error.hint)


def test_what_a_service_says_is_escaped_and_short():
    error = refusal.refusal(refusal.FAILED, "KMS", detail="a\nb\x1b[31m" + "x" * 999)
    assert error.message.isprintable()
    assert len(error.message) < 200


@pytest.mark.parametrize(
    "secret",
    [
        base64.b64encode(bytes(range(200, 232))).decode(),
        base64.urlsafe_b64encode(bytes(range(200, 232))).decode().rstrip("="),
        bytes(range(200, 232)).hex(),
        "hvs." + "Ab1-_" * 18,
    ],
)
def test_what_may_be_a_key_is_not_shown(secret):
    error = refusal.refusal(refusal.FAILED, "KMS", detail=f"no such key: {secret} (403)")
    assert "KMS failed (no such key: " in error.message
    assert error.message.endswith("... (403))")
    assert secret[4:20] not in error.message


@pytest.mark.parametrize(
    "text", ["arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", "AADSTS700024"]
)
def test_names_are_shown(text):
    assert text in refusal.refusal(refusal.FAILED, "KMS", detail=text).message


def test_a_missing_library_names_its_extra():
    error = refusal.missing_extra("AWS KMS", "aws")
    assert error.hint == "run `pip install 'fluxsecrets[aws]'`"
    assert "not installed" in error.message
