"""Programs that read SOPS files, or a part of them, and that others wrote."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .written import Written


class Reader(Protocol):
    """One program."""

    name: str
    get: str
    """How to have it."""

    def version(self) -> str | None:
        """Its version, or None where it is not at hand."""

    def skips(self, file: Written) -> str | None:
        """Why it is not asked to read a file, or None where it is."""

    def reads(self, file: Written, path: Path) -> object:
        """What the file holds by this program; OSError or ValueError where it says that it cannot."""


@dataclass
class Sops:
    """The original."""

    environ: Mapping[str, str]
    name: str = "sops"
    get: str = "put sops 3.12 or newer on PATH"

    def version(self) -> str | None:
        text = _version(self.environ, "sops", "--version", "--disable-version-check")
        if text is not None and "fluxsecrets" in text:
            return None  # that is ours
        return text and text.split()[1]

    def skips(self, file: Written) -> str | None:
        return None

    def reads(self, file: Written, path: Path) -> object:
        # Several documents, and bytes, have no place in JSON.
        output = "json" if file.format != "binary" and file.documents == 1 else file.format
        flags = ("--input-type", file.format, "--output-type", output)
        data = _run(self.environ, "sops", "decrypt", *flags, str(path))
        if output == "json":
            found = json.loads(data)
            # sops writes the section of INI that has no name, empty or not
            return {key: value for key, value in found.items() if (key, value) != ("DEFAULT", {})}
        return data if file.format == "binary" else list(yaml.safe_load_all(data))


@dataclass
class Age:
    """It opens the data key; with that the first value is opened by AES-GCM itself."""

    environ: Mapping[str, str]
    identities: Mapping[str, Path]
    name: str = "age"
    get: str = "put age 1.3 or newer on PATH"

    def version(self) -> str | None:
        return _version(self.environ, "age", "--version")

    def skips(self, file: Written) -> str | None:
        if file.kind not in self.identities:
            return "no age key"
        return None if file.format in ("yaml", "json", "binary") else "its block is not nested"

    def reads(self, file: Written, path: Path) -> object:
        block = _block(file)
        enc = block["age"][0]["enc"]
        key = _run(
            self.environ, "age", "--decrypt", "--identity", str(self.identities[file.kind]), data=enc.encode()
        )
        return file.holds if _mac_opens(key, block) else "the MAC does not open"


@dataclass
class Gpg:
    """As age, for PGP keys."""

    environ: Mapping[str, str]
    name: str = "gpg"
    get: str = "put gpg 2.2 or newer on PATH"

    def version(self) -> str | None:
        text = _version(self.environ, "gpg", "--version") if "GNUPGHOME" in self.environ else None
        return text and text.split("\n")[0].split()[-1]

    def skips(self, file: Written) -> str | None:
        if file.kind != "pgp":
            return "no PGP key"
        return None if file.format in ("yaml", "json", "binary") else "its block is not nested"

    def reads(self, file: Written, path: Path) -> object:
        block = _block(file)
        key = _run(
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
    get: str = "npm install sops-age in some folder, and say NODE_MODULES=that/folder/node_modules"
    _place: Path | None = field(default=None, init=False)

    def version(self) -> str | None:
        if shutil.which("node", path=self.environ["PATH"]) is None:
            return None
        for place in self._places():
            package = place / "sops-age" / "package.json"
            if package.is_file():
                self._place = place
                return str(json.loads(package.read_text(encoding="utf-8"))["version"])
        return None

    def _places(self) -> list[Path]:
        found = [Path(text) for text in os.environ.get("NODE_MODULES", "").split(os.pathsep) if text]
        if shutil.which("npm", path=self.environ["PATH"]) is not None:
            text = _version(self.environ, "npm", "root", "--global")
            found += [Path(text.strip())] if text else []
        return [place.absolute() for place in found]

    def skips(self, file: Written) -> str | None:
        if file.format not in ("yaml", "json", "dotenv"):
            return "a format that it does not know"
        if file.kind != "age":
            return "a kind of key that it does not know"
        return "several documents" if file.documents > 1 else None

    def reads(self, file: Written, path: Path) -> object:
        script = self.folder / "read.mjs"
        script.write_text(_SOPS_AGE, encoding="utf-8")
        kind = {"dotenv": "env"}.get(file.format, file.format)
        return json.loads(_run(self.environ, "node", str(script), str(self._place), str(path), kind))


@dataclass
class Rops:
    """The crate rops-cli, which reads YAML and JSON with age keys."""

    environ: Mapping[str, str]
    name: str = "rops"
    get: str = "cargo install rops-cli"

    def version(self) -> str | None:
        # It does not tell its version.
        return None if _version(self.environ, "rops", "help") is None else ""

    def skips(self, file: Written) -> str | None:
        if file.format not in ("yaml", "json"):
            return "a format that it does not know"
        if file.kind != "age":
            return "a kind of key that it does not know"
        if "comment_regex" in file.name:
            return "a selector that it does not know"
        if _holds_empty_text(file.holds):
            return "empty values, which it does not read from sops either"
        return "several documents" if file.documents > 1 else None

    def reads(self, file: Written, path: Path) -> object:
        keys = [key for key in self.environ["SOPS_AGE_KEY"].splitlines() if "-PQ-" not in key]
        environ = {**self.environ, "ROPS_AGE": ",".join(keys)}
        data = _run(environ, "rops", "decrypt", "--format", file.format, data=file.data)
        return json.loads(data) if file.format == "json" else yaml.safe_load(data)


def _holds_empty_text(data: object) -> bool:
    if isinstance(data, dict | list):
        return any(map(_holds_empty_text, data.values() if isinstance(data, dict) else data))
    return data == ""


def _run(environ: Mapping[str, str], *command: str, data: bytes = b"") -> bytes:
    program = shutil.which(command[0], path=environ["PATH"]) or command[0]
    done = subprocess.run(
        [program, *command[1:]], input=data, env=dict(environ), capture_output=True, timeout=120, check=False
    )
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise OSError(" / ".join(line.strip() for line in lines[-3:]) or f"exit code {done.returncode}")
    return done.stdout


def _version(environ: Mapping[str, str], *command: str) -> str | None:
    try:
        return _run(environ, *command).decode("utf-8", "replace").strip()
    except (OSError, subprocess.SubprocessError):
        return None


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
    """All that we know of."""
    return (
        Sops(environ),
        Age(environ, identities),
        Gpg(environ),
        SopsAge(environ, folder),
        Rops(environ),
    )
