"""Versions of the program and its libraries, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from fluxsecrets.ops.doctor.versions import Library, Versions

from .base import here
from .json import page
from .page import Lines, Page, Sentence
from .text import printable

if TYPE_CHECKING:
    from .wire import records as wire


def _text_page(found: Versions) -> Page:
    yield Lines([f"fluxsecrets {found.program}", f"{found.implementation} {found.python}", found.platform])
    for extra, libraries in groupby(found.libraries, key=lambda each: each.extra):
        listed = ", ".join(map(_named, libraries))
        yield Sentence(printable(f"{extra or 'libraries'}: {listed}"), indent="  ")


def _named(library: Library) -> str:
    return f"{library.name} {library.version or '(missing)'}"


def _json_page(found: Versions) -> Page:
    libraries: list[wire.Library] = [
        {"name": each.name, "version": each.version, "extra": each.extra or None} for each in found.libraries
    ]
    data: wire.Versions = {
        "fluxsecrets": found.program,
        "python": found.python,
        "implementation": found.implementation,
        "platform": found.platform,
        "libraries": libraries,
    }
    return page("version", data, here())


FORMATS: Mapping[str, Callable[[Versions], Page]] = {"text": _text_page, "json": _json_page}
