"""Programs that write SOPS files or sealed values, which fluxsecrets reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import yaml
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fluxsecrets.errors import MetadataError
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sealed.certificates import parse_certificate
from fluxsecrets.sealed.codec import open_value
from fluxsecrets.sealed.keys import parse_keys
from fluxsecrets.sealed.scopes import Scope, label_of
from fluxsecrets.sops.formats import make_format

from .peers import node_package, run, sops_version, version_of
from .secrets import opened_by_kubeseal, random_secrets, sealed_by_kubeseal
from .written import KEYS, SUFFIXES

_DATA = {
    "text": "throwaway",
    "number": 5,
    "float": 1.5,
    "flag": True,
    "list": [1, "two"],
    "map": {"deep": {"x": ["y\u00e4\n"]}},
}
_PLAIN: Mapping[str, tuple[bytes, object]] = {
    "yaml": (yaml.safe_dump(_DATA, allow_unicode=True).encode(), _DATA),
    "json": (json.dumps(_DATA).encode(), _DATA),
    "dotenv": (b"A=throwaway\nB=two words\n", b"A=throwaway\nB=two words\n"),
    "ini": (b"[s]\na = throwaway\n", b"[s]\na = throwaway\n"),
    "binary": (b"throwaway\nwithout any format\n", b"throwaway\nwithout any format\n"),
}
_VALUES = ("throwaway", "throw\u00e4way\n" * 100)
_NAMESPACE, _NAME = "apps", "db"
_SECRETS = 300


@dataclass(frozen=True)
class Case:
    """Something that a peer writes.

    Attributes:
        name: for people.
        holds: what was encrypted.
        read: has the peer write it, and returns what fluxsecrets reads.
    """

    name: str
    holds: object = field(repr=False)
    read: Callable[[], object] = field(repr=False)


class Writer(Protocol):
    """One program."""

    name: str
    get: str
    """How to install it."""

    def version(self) -> str | None:
        """Its version, or None if it is not installed."""

    def cases(self) -> Sequence[Case]:
        """What it writes."""


@dataclass(frozen=True)
class SopsWriter:
    """The original."""

    session: Session
    recipient: str
    folder: Path
    name: str = "sops"
    get: str = "put sops 3.12 or newer on PATH"

    def version(self) -> str | None:
        return sops_version(self.session.environ)

    def cases(self) -> Sequence[Case]:
        return [
            Case(kind, holds, lambda kind=kind, plain=plain: self._read(kind, plain))
            for kind, (plain, holds) in _PLAIN.items()
        ]

    def _read(self, kind: str, plain: bytes) -> object:
        path = self.folder / f"theirs.{SUFFIXES[kind]}"
        path.write_bytes(plain)
        flags = ("--age", self.recipient, "--input-type", kind, "--output-type", kind)
        command = ("sops", "encrypt", *flags, path.name)
        return _opened(self.session, kind, run(self.session.environ, *command, folder=self.folder))


@dataclass(frozen=True)
class RopsWriter:
    """The crate rops-cli."""

    session: Session
    recipient: str
    name: str = "rops"
    get: str = "cargo install rops-cli"

    def version(self) -> str | None:
        # `rops` does not print its version.
        return None if version_of(self.session.environ, "rops", "help") is None else ""

    def cases(self) -> Sequence[Case]:
        return [
            Case("yaml, refused as sops refuses it", _UNQUOTED_TIME, self._refusal),
            Case("yaml, its time put in quotes", _DATA, lambda: self._opened("yaml", _quote_time)),
            Case("json", _DATA, lambda: self._opened("json", bytes)),
        ]

    def _written(self, kind: str) -> bytes:
        command = ("rops", "encrypt", "--age", self.recipient, "--format", kind)
        return run(self.session.environ, *command, data=_PLAIN[kind][0])

    def _opened(self, kind: str, mended: Callable[[bytes], bytes]) -> object:
        return _opened(self.session, kind, mended(self._written(kind)))

    def _refusal(self) -> object:
        try:
            return self._opened("yaml", bytes)
        except MetadataError as error:
            return error.message


# rops leaves the quotes out, so that YAML reads a time, for which sops has no place:
# "'lastmodified' expected type 'string', got unconvertible type 'time.Time'".
_UNQUOTED_TIME = "sops.lastmodified is a time, and sops needs a text"


def _quote_time(data: bytes) -> bytes:
    """What the hint of that refusal asks for."""
    quoted, count = re.subn(rb"(?m)^(\s+lastmodified: )(\S+)$", rb'\1"\2"', data)
    assert count == 1
    return quoted


def _opened(session: Session, kind: str, encrypted: bytes) -> object:
    assert b"throwaway" not in encrypted
    opened = open_file(make_format(kind), encrypted, session.providers, session.limits)
    text = bytes(opened.text())
    return yaml.safe_load(text) if kind == "yaml" else json.loads(text) if kind == "json" else text


_SEAL = """
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
const [, , place, certificate, namespace] = process.argv;
const { encryptSecretItem } = createRequire(place + "/")("@linode/kubeseal-encrypt");
const key = readFileSync(certificate, "utf8");
const sealed = [];
for (const value of JSON.parse(readFileSync(0, "utf8"))) {
  sealed.push(await encryptSecretItem(key, namespace, value));
}
process.stdout.write(JSON.stringify(sealed));
"""


@dataclass(frozen=True)
class KubesealEncrypt:
    """The npm package @linode/kubeseal-encrypt, which binds a value to its namespace."""

    session: Session
    folder: Path
    name: str = "kubeseal-encrypt"
    get: str = "npm install @linode/kubeseal-encrypt in a folder, and set NODE_MODULES=FOLDER/node_modules"

    def version(self) -> str | None:
        found = node_package(self.session.environ, "@linode/kubeseal-encrypt")
        return found and found[1]

    def cases(self) -> Sequence[Case]:
        texts = [
            value.decode()
            for made in random_secrets(_SECRETS, 2)
            for key, value in made.values.items()
            if key in made.texts
        ]
        return [
            Case("sealed values", list(_VALUES), lambda: self._read(_VALUES)),
            Case(f"the texts of {_SECRETS} random Secrets", texts, lambda: self._read(texts)),
        ]

    def _read(self, values: Sequence[str]) -> object:
        script, public = self.folder / "seal.mjs", self.folder / "sealing.pem"
        script.write_text(_SEAL, encoding="utf-8")
        certificate = parse_certificate((KEYS / "sealing.crt").read_bytes())
        public.write_bytes(certificate.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        found = node_package(self.session.environ, "@linode/kubeseal-encrypt")
        assert found is not None
        command = ("node", str(script), str(found[0]), str(public), _NAMESPACE)
        sealed = run(self.session.environ, *command, data=json.dumps(list(values)).encode())
        return [_unsealed(each, Scope.NAMESPACE) for each in json.loads(sealed)]


@dataclass(frozen=True)
class Kubeseal:
    """The original of sealed values, in each scope."""

    session: Session
    name: str = "kubeseal"
    get: str = "put kubeseal on PATH"

    def version(self) -> str | None:
        text = version_of(self.session.environ, "kubeseal", "--version")
        return text and text.split()[-1]

    def cases(self) -> Sequence[Case]:
        environ, secrets = self.session.environ, list(random_secrets(_SECRETS, 1))
        return [
            *(
                Case(f"sealed value, {scope}", _VALUES[0], lambda scope=scope: self._read(_VALUES[0], scope))
                for scope in Scope
            ),
            Case(f"{_SECRETS} random Secrets sealed", [], lambda: sealed_by_kubeseal(environ, secrets)),
            Case(f"{_SECRETS} random Secrets opened", [], lambda: opened_by_kubeseal(environ, secrets)),
        ]

    def _read(self, value: str, scope: Scope) -> object:
        place = ("--namespace", _NAMESPACE, "--name", _NAME, "--scope", scope)
        command = ("kubeseal", "--raw", "--cert", str(KEYS / "sealing.crt"), *place, "--from-file=/dev/stdin")
        return _unsealed(run(self.session.environ, *command, data=value.encode()).decode(), scope)


def _unsealed(sealed: str, scope: Scope) -> str | None:
    keys = parse_keys((KEYS / "sealing.key").read_bytes(), "sealing.key")
    found = open_value([each.key for each in keys], sealed, [label_of(scope, _NAMESPACE, _NAME)])
    return found and found.data.decode()


def make_writers(session: Session, folder: Path) -> Sequence[Writer]:
    """Every program whose output is read."""
    recipient = json.loads((KEYS / "recipients.json").read_text(encoding="utf-8"))["alice"]
    return (
        SopsWriter(session, recipient, folder),
        RopsWriter(session, recipient),
        Kubeseal(session),
        KubesealEncrypt(session, folder),
    )
