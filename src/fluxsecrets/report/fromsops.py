"""The differences from an existing use of sops, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from fluxsecrets.ops.init.fromsops import Difference, Differences, Place

from .base import Base, here
from .json import page
from .page import Block, Heading, Note, Page, Sentence
from .text import Cell, counted, printable

if TYPE_CHECKING:
    from .wire import init as wire

_SHOWN = 5
"""Places of one difference; JSON has all."""


def _text_page(found: Differences) -> Page:
    if found.rules:
        yield Sentence("rules and files", "bold", indent="")
        for each in found.rules:
            yield from _difference(each)
    if found.uses:
        yield Sentence("scripts, jobs and other tools", "bold", indent="")
        for each in found.uses:
            yield from _difference(each)
    yield Note(_summary(found))


def _difference(each: Difference) -> Iterator[Block]:
    yield Sentence(printable(each.message), indent="  ")
    for place in each.places[:_SHOWN]:
        yield Heading([Cell(printable(_shown(place)))], "      ", "      ")
    if len(each.places) > _SHOWN:
        yield Sentence(f"and {len(each.places) - _SHOWN} more", indent="      ")
    if each.hint:
        yield Sentence(printable(f"hint: {each.hint}"), indent="    ")


def _shown(place: Place) -> str:
    return place.path if place.line is None else f"{place.path}:{place.line}"


def _summary(found: Differences) -> str:
    read = (
        f"{counted(found.configs, '.sops.yaml file')} and {counted(found.encrypted, 'encrypted file')} seen"
    )
    differs = counted(len(found.rules) + len(found.uses), "difference")
    return f"{read}: {differs}; nothing was changed"


def _json_page(found: Differences) -> Page:
    base = here()
    data: wire.FromSops = {
        "configs": found.configs,
        "encrypted": found.encrypted,
        "rules": [_wire(each, base) for each in found.rules],
        "uses": [_wire(each, base) for each in found.uses],
    }
    return page("init --from-sops", data, base)


def _wire(each: Difference, base: Base) -> wire.SopsDifference:
    return {
        "message": each.message,
        "hint": each.hint,
        "places": [{"path": base.path(place.path), "line": place.line} for place in each.places],
    }


FORMATS: Mapping[str, Callable[[Differences], Page]] = {"text": _text_page, "json": _json_page}
