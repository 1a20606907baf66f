"""Versions of the program and its libraries, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby

from fluxsecrets.ops.doctor.versions import Library, Versions

from .json import page
from .page import Lines, Page, Sentence
from .text import printable


def _text_page(found: Versions) -> Page:
    yield Lines([f"fluxsecrets {found.program}", f"{found.implementation} {found.python}", found.platform])
    for extra, libraries in groupby(found.libraries, key=lambda each: each.extra):
        listed = ", ".join(map(_named, libraries))
        yield Sentence(printable(f"{extra or 'libraries'}: {listed}"), indent="  ")


def _named(library: Library) -> str:
    return f"{library.name} {library.version or '(missing)'}"


def _json_page(found: Versions) -> Page:
    libraries = [
        {"name": each.name, "version": each.version, "extra": each.extra or None} for each in found.libraries
    ]
    return page(
        "version",
        {
            "fluxsecrets": found.program,
            "python": found.python,
            "implementation": found.implementation,
            "platform": found.platform,
            "libraries": libraries,
        },
    )


FORMATS: Mapping[str, Callable[[Versions], Page]] = {"text": _text_page, "json": _json_page}
