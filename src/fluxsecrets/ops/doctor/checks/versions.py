"""Versions: of fluxsecrets and Python, of the files, and of what the hooks start."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from pathlib import Path

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem
from fluxsecrets.ops.hooks.state import started_by
from fluxsecrets.sops.metadata import VERSION, is_newer

INFO = CheckInfo("versions", "versions")

_PLACES = ("lib/python*/site-packages", "lib/python*/dist-packages", "Lib/site-packages")
_INSTALLED = re.compile(r"fluxsecrets-(.+)\.dist-info")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Name the versions, files of a newer sops, and hooks that start another fluxsecrets."""
    yield ok(f"fluxsecrets {facts.version}, Python {platform.python_version()}, files as of sops {VERSION}")
    newer = {file.version: file for file in facts.usage.files if is_newer(file.version)}
    for version, file in sorted(newer.items()):
        yield problem(
            f"{file.shown} was written by sops {version[:20]!a}: what is new in its format may be missed",
            command="pip install --upgrade fluxsecrets",
        )
    if facts.hooks_folder is None:
        return
    for hook, python in started_by(facts.hooks_folder):
        other = _version_beside(Path(python))
        if other is not None and other != facts.version:
            yield problem(
                f"the {hook} hook starts fluxsecrets {other}, with {python}",
                command="fluxsecrets hook install",
            )


def _version_beside(python: Path) -> str | None:
    """Return the version of fluxsecrets that a Python has. It is not started: a file only names it."""
    for place in _PLACES:
        for found in python.parent.parent.glob(f"{place}/fluxsecrets-*.dist-info"):
            if (name := _INSTALLED.fullmatch(found.name)) is not None:
                return name[1]
    return None


CHECK = Check(INFO, check)
