"""The vectors' sealing keys, read."""

import pytest

from fluxsecrets.sealed.certificates import parse_certificate
from fluxsecrets.sealed.keys import parse_keys
from sealing import key_file


@pytest.fixture(scope="session")
def certificate():
    return parse_certificate(key_file("sealing.crt"))


@pytest.fixture(scope="session")
def keys():
    return parse_keys(key_file("sealing.key"), "sealing.key")


@pytest.fixture(scope="session")
def new_keys():
    return parse_keys(key_file("sealing-new.key"), "sealing-new.key")
