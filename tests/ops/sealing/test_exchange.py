"""Random Secrets exchanged with kubeseal, in YAML and JSON; `make interop` exchanges hundreds."""

import os
import shutil

import pytest

from fluxsecrets.ops.files.plain import PlainManifests
from fluxsecrets.ops.sealing.seal import SealOptions, seal_content
from fluxsecrets.ops.sealing.unseal import unseal_content
from fluxsecrets.repo.manifesttext import open_manifests
from fluxsecrets.sealed.certificates import parse_certificate
from fluxsecrets.sealed.keys import parse_keys
from fluxsecrets.sops.formats import Limits
from interop.secrets import opened_by_kubeseal, random_secrets, sealed_by_kubeseal
from sealing import key_file


@pytest.mark.parametrize("exchange", [opened_by_kubeseal, sealed_by_kubeseal])
@pytest.mark.skipif(shutil.which("kubeseal") is None, reason="kubeseal is not on PATH: it is not asked")
def test_kubeseal_agrees_about_random_secrets(exchange):
    secrets = list(random_secrets(12, 7))
    assert {made.json for made in secrets} == {False, True}
    assert exchange(dict(os.environ), secrets) == []


def test_random_secrets_come_back_as_they_were():
    options = SealOptions(parse_certificate(key_file("sealing.crt")))
    keys = parse_keys(key_file("sealing.key"), "sealing.key")
    for made in random_secrets(40, 8):
        sealed = seal_content(PlainManifests(open_manifests(made.text)), options)
        (opened,) = unseal_content(sealed.data, keys, Limits()).secrets
        assert opened.values == made.values, made.text
