"""Private keys of the controller: PEM, and backed-up TLS Secrets in YAML, JSON and Lists."""

import json
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from fluxsecrets.errors import IdentityError
from fluxsecrets.sealed.keys import parse_keys
from sealing import VECTORS, key_file

OLD, NEW = key_file("sealing.key"), key_file("sealing-new.key")


def backup(name, pem):
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "kube-system"},
        "type": "kubernetes.io/tls",
        "data": {"tls.crt": "AAAA", "tls.key": b64encode(pem).decode()},
    }


def numbers(found):
    return [each.key.private_numbers().public_numbers.n for each in found]


def test_pem_files(keys, new_keys):
    assert numbers(parse_keys(OLD + NEW, "keys")) == numbers(keys) + numbers(new_keys)
    assert numbers(parse_keys(key_file("sealing.crt") + b"\n" + OLD, "keys")) == numbers(keys)
    assert numbers(parse_keys(b"# a copy\n" + OLD, "keys")) == numbers(keys)


def test_backups_in_all_their_forms(keys, new_keys):
    both = numbers(keys) + numbers(new_keys)
    old, new = backup("key-old", OLD), backup("key-new", NEW)
    listed = {"apiVersion": "v1", "kind": "List", "items": [old, new]}
    documents = f"{json.dumps(old)}\n---\n{json.dumps(new)}\n"
    for data in (json.dumps(listed), documents):
        found = parse_keys(data.encode(), "backup.yaml")
        assert numbers(found) == both
        assert found[1].origin == "backup.yaml, Secret key-new"


def test_nothing_of_a_key_is_shown(keys):
    assert "MII" not in repr(keys)
    assert "PRIVATE" not in repr(keys)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no private key"),
        (b"hello: world\n", "no private key"),
        (key_file("sealing.crt"), "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged"),
        (b"a: [\n", "neither PEM nor"),
        (json.dumps({**backup("x", OLD), "data": {}}).encode(), "has no tls.key"),
        (json.dumps({**backup("x", OLD), "data": {"tls.key": "%%"}}).encode(), "damaged"),
        ((VECTORS / "keys" / "ssh_ed25519").read_bytes(), "damaged"),
    ],
)
def test_what_is_none(data, message):
    with pytest.raises(IdentityError, match=message):
        parse_keys(data, "keys")


def test_locked_keys_are_said_to_be():
    locked = load_pem_private_key(OLD, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"throwaway")
    )
    with pytest.raises(IdentityError, match="locked with a passphrase"):
        parse_keys(locked, "keys")
