"""SHA256SUMS, as `sha256sum --check` reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path

NAME = "SHA256SUMS"


def write_checksums(folder: Path) -> None:
    """Write the checksums of all files in a folder."""
    lines = [f"{digest}  {name}\n" for name, digest in _digests(folder).items()]
    (folder / NAME).write_text("".join(lines), encoding="ascii")


def differences(first: Path, second: Path) -> list[str]:
    """Return the names of the files that are not the same in two folders."""
    one, two = _digests(first), _digests(second)
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != NAME
    }
