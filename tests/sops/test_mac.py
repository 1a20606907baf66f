import hashlib

import pytest

from fluxsecrets.errors import IntegrityError
from fluxsecrets.sops.cipher import Cipher, DataKey
from fluxsecrets.sops.mac import MacHash, check_mac, seal_mac

CIPHER = Cipher(DataKey(b"throw-away key for these tests!!"))
TIME = "2026-11-23T10:11:12Z"


def test_the_hash_takes_canonical_bytes():
    mac = MacHash(only_encrypted=False)
    for value in ("a", 31, 1.0, True, None, ""):
        mac.add(value)
    assert mac.digest() == hashlib.sha512(b"a311True").hexdigest().upper()


def test_the_hash_over_encrypted_values_alone_starts_elsewhere():
    assert MacHash(only_encrypted=True).digest() != MacHash(only_encrypted=False).digest()


def test_borders_between_values_are_not_covered():
    """A limit of SOPS's format that the documentation names."""
    digests = []
    for values in (("ab", "c"), ("a", "bc")):
        mac = MacHash(only_encrypted=False)
        for value in values:
            mac.add(value)
        digests.append(mac.digest())
    assert digests[0] == digests[1]


def test_a_sealed_mac_is_accepted():
    check_mac("AB12", seal_mac("AB12", TIME, CIPHER), TIME, CIPHER)


@pytest.mark.parametrize("same", ["2026-11-23T10:11:12.9Z", "2026-11-23T10:11:12+00:00"])
def test_lastmodified_is_formatted_again_as_in_go(same):
    check_mac("AB12", seal_mac("AB12", TIME, CIPHER), same, CIPHER)


@pytest.mark.parametrize(
    ("mac", "time", "message"),
    [
        (None, TIME, "has no MAC"),
        ("", TIME, "has no MAC"),
        ("nonsense", TIME, "MAC itself was changed"),
        (seal_mac("AB12", TIME, CIPHER), "2026-11-23T10:11:13Z", "lastmodified was"),
        (seal_mac("AB13", TIME, CIPHER), TIME, "does not match"),
    ],
)
def test_another_mac_is_refused(mac, time, message):
    with pytest.raises(IntegrityError, match=message):
        check_mac("AB12", mac, time, CIPHER)
