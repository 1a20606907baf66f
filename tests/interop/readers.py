"""Programs by others that read SOPS files, or a part of them."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .peers import node_package, run, sops_version, version_of
from .written import Written


class Reader(Protocol):
    """One program."""

    name: str
    get: str
    """How to install it."""

    def version(self) -> str | None:
        """Its version, or None if it is not installed."""

    def skips(self, file: Written) -> str | None:
        """Why it is not asked to read a file, or None if it is."""

    def reads(self, file: Written, path: Path) -> object:
        """What this program reads from the file; OSError or ValueError if it cannot."""


@dataclass
class Sops:
    """The original."""

    environ: Mapping[str, str]
    name: str = "sops"
    get: str = "put sops 3.12 or newer on PATH"

    def version(self) -> str | None:
        return sops_version(self.environ)

    def skips(self, file: Written) -> str | None:
        return None

    def reads(self, file: Written, path: Path) -> object:
        # JSON cannot hold several documents, or bytes.
        output = "json" if file.format != "binary" and file.documents == 1 else file.format
        flags = ("--input-type", file.format, "--output-type", output)
        data = run(self.environ, "sops", "decrypt", *flags, str(path))
        if output == "json":
            found = json.loads(data)
            # sops also writes INI's section without a name, even if it is empty.
            return {key: value for key, value in found.items() if (key, value) != ("DEFAULT", {})}
        return data if file.format == "binary" else list(yaml.safe_load_all(data))


@dataclass
class Age:
    """age opens the data key; AES-GCM itself then opens the MAC with it."""

    environ: Mapping[str, str]
    identities: Mapping[str, Path]
    name: str = "age"
    get: str = "put age on PATH, 1.3 or newer for post-quantum keys"

    def version(self) -> str | None:
        return version_of(self.environ, "age", "--version")

    @cached_property
    def _post_quantum(self) -> bool:
        return version_of(self.environ, "age-keygen", "-pq") is not None

    def skips(self, file: Written) -> str | None:
        if file.kind == "post-quantum" and not self._post_quantum:
            return "a post-quantum key, which age before 1.3 does not support"
        if file.kind not in self.identities:
            return "another kind of key"
        return None if file.format in ("yaml", "json", "binary") else "a metadata block that is not nested"

    def reads(self, file: Written, path: Path) -> object:
        block = _block(file)
        enc = block["age"][0]["enc"]
        key = run(
            self.environ, "age", "--decrypt", "--identity", str(self.identities[file.kind]), data=enc.encode()
        )
        return file.holds if _mac_opens(key, block) else "the MAC does not open"


@dataclass
class Gpg:
    """Like age, for PGP keys."""

    environ: Mapping[str, str]
    name: str = "gpg"
    get: str = "put gpg 2.2 or newer on PATH"

    def version(self) -> str | None:
        text = version_of(self.environ, "gpg", "--version") if "GNUPGHOME" in self.environ else None
        return text and text.split("\n")[0].split()[-1]

    def skips(self, file: Written) -> str | None:
        if file.kind != "pgp":
            return "another kind of key"
        return None if file.format in ("yaml", "json", "binary") else "a metadata block that is not nested"

    def reads(self, file: Written, path: Path) -> object:
        block = _block(file)
        key = run(
            self.environ, "gpg", "--batch", "--quiet", "--decrypt", data=block["pgp"][0]["enc"].encode()
        )
        return file.holds if _mac_opens(key, block) else "the MAC does not open"


_SOPS_AGE = """
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [, , place, file, type] = process.argv;
const entry = createRequire(place + "/").resolve("sops-age");
const { decryptSops } = await import(pathToFileURL(entry));
const data = await decryptSops(readFileSync(file, "utf8"), { fileType: type });
process.stdout.write(JSON.stringify(data));
"""


@dataclass
class SopsAge:
    """The npm package sops-age, which reads YAML, JSON and dotenv with age keys."""

    environ: Mapping[str, str]
    folder: Path
    name: str = "sops-age"
    get: str = "npm install sops-age in a folder, and set NODE_MODULES=FOLDER/node_modules"
    _place: Path | None = field(default=None, init=False)

    def version(self) -> str | None:
        found = node_package(self.environ, "sops-age")
        if found is None:
            return None
        self._place, version = found
        return version

    def skips(self, file: Written) -> str | None:
        if file.format not in ("yaml", "json", "dotenv"):
            return "a format that it does not support"
        if file.kind != "age":
            return "a kind of key that it does not support"
        return "several documents" if file.documents > 1 else None

    def reads(self, file: Written, path: Path) -> object:
        script = self.folder / "read.mjs"
        script.write_text(_SOPS_AGE, encoding="utf-8")
        kind = {"dotenv": "env"}.get(file.format, file.format)
        return json.loads(run(self.environ, "node", str(script), str(self._place), str(path), kind))


@dataclass
class Rops:
    """The crate rops-cli, which reads YAML and JSON with age keys."""

    environ: Mapping[str, str]
    name: str = "rops"
    get: str = "cargo install rops-cli"

    def version(self) -> str | None:
        # `rops` does not print its version.
        return None if version_of(self.environ, "rops", "help") is None else ""

    def skips(self, file: Written) -> str | None:
        if file.format not in ("yaml", "json"):
            return "a format that it does not support"
        if file.kind != "age":
            return "a kind of key that it does not support"
        if "comment_regex" in file.name:
            return "a selector that it does not support"
        if _holds_empty_text(file.holds):
            return "empty values, which it cannot read from sops either"
        return "several documents" if file.documents > 1 else None

    def reads(self, file: Written, path: Path) -> object:
        keys = [key for key in self.environ["SOPS_AGE_KEY"].splitlines() if "-PQ-" not in key]
        environ = {**self.environ, "ROPS_AGE": ",".join(keys)}
        data = run(environ, "rops", "decrypt", "--format", file.format, data=file.data)
        return json.loads(data) if file.format == "json" else yaml.safe_load(data)


def _holds_empty_text(data: object) -> bool:
    if isinstance(data, dict | list):
        return any(map(_holds_empty_text, data.values() if isinstance(data, dict) else data))
    return data == ""


def _block(file: Written) -> dict[str, Any]:
    data = yaml.safe_load(file.data.split(b"\n---\n")[0]) if file.format == "yaml" else json.loads(file.data)
    return dict(data["sops"])


_VALUE = re.compile(r"ENC\[AES256_GCM,data:([^,]+),iv:([^,]+),tag:([^,]+),type:\w+\]")


def _mac_opens(key: bytes, block: Mapping[str, Any]) -> bool:
    match = _VALUE.fullmatch(block["mac"])
    if match is None or len(key) != 32:
        return False
    data, nonce, tag = map(b64decode, match.groups())
    digest = AESGCM(key).decrypt(nonce, data + tag, block["lastmodified"].encode())
    return re.fullmatch(rb"[0-9A-F]{128}", digest) is not None


def make_readers(
    environ: Mapping[str, str], identities: Mapping[str, Path], folder: Path
) -> Sequence[Reader]:
    """Every program that we know."""
    return (
        Sops(environ),
        Age(environ, identities),
        Gpg(environ),
        SopsAge(environ, folder),
        Rops(environ),
    )
