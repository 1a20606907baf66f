"""The core as one function each way, with throw-away keys, and the real sops where it is installed."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fluxsecrets.errors import FormatError, UnprotectedError
from fluxsecrets.keys import make_providers
from fluxsecrets.sops.cipher import Cipher, DataKey
from fluxsecrets.sops.decryption import open_document
from fluxsecrets.sops.document import Leaf, to_data
from fluxsecrets.sops.encryption import encrypt_document
from fluxsecrets.sops.envelope import Providers, open_data_key, wrap_data_key
from fluxsecrets.sops.formats import Limits
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.mac import seal_mac
from fluxsecrets.sops.metadata import KeyGroup, Metadata
from fluxsecrets.sops.opened import Opened
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selection import selected
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, SelectorSpec, compile_selector

VECTORS = Path(__file__).parents[1] / "vectors"
SOPS = shutil.which("sops")
YAML = YamlFormat()
LASTMODIFIED = "2026-11-23T10:11:12Z"


@dataclass(frozen=True)
class Core:
    """Encrypts and opens YAML for alice, whose identity is a throw-away."""

    recipient: str
    identity: str
    key: DataKey
    groups: tuple[KeyGroup, ...]

    def encrypt(
        self,
        plain: bytes,
        selector: SelectorSpec = DEFAULT_SELECTOR,
        *,
        mac_only_encrypted: bool = False,
        previous: Opened | None = None,
    ) -> bytes:
        """A whole encrypted file."""
        compiled = compile_selector(selector)
        document = YAML.parse(plain, Limits())
        leaves = [
            item for item, encrypts in selected(document, compiled) if encrypts and isinstance(item, Leaf)
        ]
        document = YAML.expand_aliases(document, leaves, Limits())
        done = encrypt_document(
            document, compiled, self.key, mac_only_encrypted=mac_only_encrypted, previous=previous
        )
        mac = seal_mac(done.digest, LASTMODIFIED, Cipher(self.key))
        metadata = Metadata(self.groups, selector, LASTMODIFIED, mac, mac_only_encrypted)
        return YAML.rewrite(document, done.changes, metadata)

    def encrypt_if_any(self, plain: bytes) -> bytes | None:
        """The same, or None where there is nothing to encrypt."""
        try:
            return self.encrypt(plain)
        except (FormatError, UnprotectedError) as error:
            if "no YAML values" in error.message or "encrypt nothing" in error.message:
                return None
            raise

    def open(self, encrypted: bytes, providers: Providers | None = None) -> Opened:
        """The opened document, after its MAC was checked."""
        document = YAML.parse(encrypted, Limits())
        assert document.metadata is not None
        key = open_data_key(document.metadata, providers or self.providers)
        return open_document(document, compile_selector(document.metadata.selector), key)

    def decrypt(self, encrypted: bytes) -> bytes:
        """The plain file."""
        opened = self.open(encrypted)
        return YAML.rewrite(opened.document, opened.changes, None)

    @property
    def providers(self) -> Providers:
        """Key providers that know alice's identity."""
        return make_providers({"SOPS_AGE_KEY": self.identity})


def data_of(text: bytes) -> list[object]:
    """The plain data of a YAML file, one entry a document."""
    return [to_data(part) for part in YAML.parse(text, Limits()).parts]


def identity_of(name: str) -> str:
    """A throw-away age identity of the vectors."""
    text = (VECTORS / "keys" / f"{name}.agekey").read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-"))


@pytest.fixture(scope="session")
def core() -> Core:
    recipient = json.loads((VECTORS / "keys" / "recipients.json").read_text(encoding="utf-8"))["alice"]
    identity, key = identity_of("alice"), DataKey(bytes(range(32)))
    providers = make_providers({"SOPS_AGE_KEY": identity})
    groups = wrap_data_key(key, ((Recipient("age", recipient),),), 0, providers)
    return Core(recipient, identity, key, groups)


@pytest.fixture(scope="session")
def plain_data() -> Callable[[bytes], list[object]]:
    return data_of


@pytest.fixture
def sops(core: Core, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """The real sops as a function: options, and the content of a YAML file that comes last."""
    if SOPS is None:
        pytest.skip("sops is not on PATH: interoperation is tested with stored files only")

    def run(*args: str, content: bytes) -> subprocess.CompletedProcess[bytes]:
        path = tmp_path / "file.yaml"
        path.write_bytes(content)
        environment = {**os.environ, "SOPS_AGE_KEY": core.identity, "HOME": str(tmp_path)}
        command = [SOPS, *args, path.name]  # in its folder: sops looks for .sops.yaml from there upwards
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, timeout=60, check=False
        )

    return run
