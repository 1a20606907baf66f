"""Which program this is: its version, the Python that runs it, and the libraries that it finds."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

_PROGRAM = "fluxsecrets"
_FOR_DEVELOPERS = frozenset({"dev", "fuzz", "mutate", "unused", "docs"})
"""Extras that no user installs."""

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*(?:;.*?\bextra\s*==\s*['\"](?P<extra>[\w-]+)['\"])?.*")


@dataclass(frozen=True, slots=True)
class Library:
    """A library that the program can use.

    Attributes:
        name: as its package is called.
        version: None if it is not installed.
        extra: the extra that brings it; "" for one that every installation has.
    """

    name: str
    version: str | None
    extra: str


@dataclass(frozen=True, slots=True)
class Versions:
    """What a bug report has to say about the machine. No path of the user is in it.

    Attributes:
        program: the version of fluxsecrets.
        python: version of Python.
        implementation: such as CPython.
        platform: system, release and machine.
        libraries: sorted by extra, then by name.
    """

    program: str
    python: str
    implementation: str
    platform: str
    libraries: tuple[Library, ...]


def find_versions(program: str) -> Versions:
    """Look at this installation, whose own version is given. No library is imported."""
    return Versions(
        program=program,
        python=".".join(map(str, sys.version_info[:3])),
        implementation=platform.python_implementation(),
        platform=_system(),
        libraries=tuple(sorted(_libraries(), key=lambda each: (each.extra, each.name.lower()))),
    )


def _system() -> str:
    """Return what `platform.platform` does, which starts the first `uname` on PATH, wherever that is."""
    libc = "".join(platform.libc_ver())
    names = (platform.system(), platform.release(), platform.machine())
    return "-".join((*names, f"with-{libc}") if libc else names)


def _libraries() -> Iterator[Library]:
    try:
        requirements = metadata.requires(_PROGRAM) or []
    except metadata.PackageNotFoundError:  # run from a source tree, or frozen into one file
        return
    for text in requirements:
        found = _REQUIREMENT.fullmatch(text)
        if found is not None and found["extra"] not in _FOR_DEVELOPERS:
            yield Library(found["name"], _version_of(found["name"]), found["extra"] or "")


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
