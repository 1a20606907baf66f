"""A core in miniature, so that formats can be tested with real ciphertexts; every key is a throw-away."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pyrage
import pytest

from fluxsecrets.marks import is_ciphertext
from fluxsecrets.sops.cipher import Cipher, DataKey, additional_data
from fluxsecrets.sops.document import Change, Comment, Document, Leaf, walk
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.mac import MacHash, check_mac, seal_mac
from fluxsecrets.sops.metadata import KeyGroup, Metadata, WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

VECTORS = Path(__file__).parents[2] / "vectors"
SOPS = shutil.which("sops")


@dataclass(frozen=True)
class Codec:
    """Encrypts and decrypts one file with a throw-away age identity; no selectors but a predicate."""

    identity: str

    @property
    def key(self) -> DataKey:
        return DataKey(bytes(range(32)))

    def metadata(self) -> Metadata:
        recipient = pyrage.x25519.Identity.from_str(self.identity).to_public()
        armour = pyrage.encrypt(self.key.reveal(), [recipient], armored=True).decode()
        key = WrappedKey(Recipient("age", str(recipient)), armour)
        return Metadata((KeyGroup((key,)),), DEFAULT_SELECTOR, "2026-11-23T10:11:12Z", None)

    def unwrap(self, document: Document) -> DataKey:
        enc = next(document.metadata.wrapped_keys).enc
        return DataKey(pyrage.decrypt(enc.encode(), [pyrage.x25519.Identity.from_str(self.identity)]))

    def encrypt(self, fmt: Format, plain: bytes, *, keep: Callable[[str], bool] | None = None) -> bytes:
        """Encrypt all values but those below a key that `keep` accepts; by default the usual suffix."""
        document = fmt.parse(plain, Limits())
        assert document.metadata is None
        keep = keep or (lambda key: key.endswith("_unencrypted"))
        cipher, mac, changes = Cipher(self.key), MacHash(only_encrypted=False), []
        for _, item in walk(document):
            aad = additional_data(item.path)
            if isinstance(item, Comment):
                changes.append(Change(item, cipher.encrypt(item.text, aad, "comment"), True))
                continue
            mac.add(item.value)
            if (
                item.value is not None
                and item.value not in ("", b"")
                and not any(keep(str(step)) for step in item.path)
            ):
                kind = "str" if fmt.single_value else None
                changes.append(Change(item, cipher.encrypt(item.value, aad, kind), True))
        metadata = self.metadata()
        sealed = seal_mac(mac.digest(), metadata.lastmodified, cipher)
        return fmt.rewrite(document, changes, replace(metadata, mac=sealed))

    def decrypt(self, fmt: Format, encrypted: bytes) -> bytes:
        """Decrypt all ciphertexts and check the MAC."""
        document = fmt.parse(encrypted, Limits())
        cipher, mac, changes = Cipher(self.unwrap(document)), MacHash(only_encrypted=False), []
        for _, item in walk(document):
            aad = additional_data(item.path)
            if isinstance(item, Leaf):
                value = item.value
                if is_ciphertext(value):
                    value = (
                        cipher.decrypt_bytes(value, aad)[0]
                        if fmt.single_value
                        else cipher.decrypt(value, aad)
                    )
                    changes.append(Change(item, value, False))
                mac.add(value)
            elif is_ciphertext(item.text):
                changes.append(Change(item, cipher.decrypt(item.text, aad), False))
        check_mac(mac.digest(), document.metadata.mac, document.metadata.lastmodified, cipher)
        return fmt.rewrite(document, changes, None)


@pytest.fixture(scope="session")
def vectors() -> Path:
    return VECTORS / "sops"


@pytest.fixture(scope="session")
def codec() -> Codec:
    lines = (VECTORS / "keys" / "alice.agekey").read_text().splitlines()
    return Codec(next(line for line in lines if line.startswith("AGE-SECRET-KEY-")))


@pytest.fixture
def sops_reads(codec: Codec, tmp_path: Path) -> Callable[[bytes, str], object]:
    """The real sops as a function from a plain file and its format to the data that it reads in it."""
    if SOPS is None:
        pytest.skip("sops is not on PATH: its reading of these files is not tested")

    def read(plain: bytes, name: str) -> object:
        environment = {**os.environ, "SOPS_AGE_KEY": codec.identity, "HOME": str(tmp_path)}
        recipient = str(pyrage.x25519.Identity.from_str(codec.identity).to_public())
        path = tmp_path / "plain"
        path.write_bytes(plain)
        steps = (
            ["encrypt", "--age", recipient, "--input-type", name, "--output-type", "json", str(path)],
            ["decrypt", "--input-type", "json", "--output-type", "json", str(path)],
        )
        for step in steps:
            done = subprocess.run(
                [SOPS, *step], env=environment, cwd=tmp_path, check=True, capture_output=True, timeout=60
            )
            path.write_bytes(done.stdout)
        return json.loads(path.read_bytes())

    return read


@pytest.fixture
def sops_decrypts(codec: Codec, tmp_path: Path) -> Callable[[bytes, str], bytes]:
    """The real sops as a function from an encrypted file and its format to what it prints."""
    if SOPS is None:
        pytest.skip("sops is not on PATH: its reading of these files is not tested")

    def decrypt(encrypted: bytes, name: str) -> bytes:
        path = tmp_path / "file"
        path.write_bytes(encrypted)
        command = [SOPS, "decrypt", "--input-type", name, "--output-type", name, str(path)]
        environment = {**os.environ, "SOPS_AGE_KEY": codec.identity, "HOME": str(tmp_path)}
        return subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60).stdout

    return decrypt
