"""What became of one value of a file, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fluxsecrets.ops.files.values import ValueResult

from .base import here
from .page import Note, Page, Warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire import files as wire


def _text_page(_command: str, result: ValueResult) -> Page:
    for warning in result.warnings:
        yield Warn(f"warning: {result.path}: {warning}")
    would = "would be " if result.dry_run else ""
    yield Note(f"{result.path}: {result.key} {would}{result.change}")


def _json_page(command: str, result: ValueResult) -> Page:
    from .json import page

    base = here()
    data: wire.ValueSet = {
        "path": base.path(result.path),
        "key": result.key,
        "change": result.change.value,
        "warnings": list(result.warnings),
        "dry_run": result.dry_run,
    }
    return page(command, data, base)


FORMATS: Mapping[str, Callable[[str, ValueResult], Page]] = {"text": _text_page, "json": _json_page}
