"""Exported PGP keys are looked into, and not imported."""

import json
import os
import shutil

import pytest

from audit_tree import KEYS
from fluxsecrets.errors import IdentityError
from fluxsecrets.keys.pgpfiles import secret_fingerprints

needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not on PATH: exports are not read")


@needs_gpg
def test_the_fingerprints_of_an_export_are_told_and_nothing_is_left(environment):
    found = secret_fingerprints(os.environ, (KEYS / "pgp.asc").read_bytes())
    assert json.loads((KEYS / "recipients.json").read_text("utf-8"))["pgp"] in found
    assert not (environment / ".gnupg").exists()


@needs_gpg
@pytest.mark.parametrize("data", [b"", b"junk", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"])
def test_what_is_no_private_key_is_an_error(environment, data):
    with pytest.raises(IdentityError, match="no private key"):
        secret_fingerprints(os.environ, data)


def test_gpg_may_be_missing():
    with pytest.raises(IdentityError, match="not installed"):
        secret_fingerprints({"PATH": ""}, b"")
