"""The results of `unseal --validate` in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from fluxsecrets.ops.sealing.validate import ValidatedSealed, Validation
from fluxsecrets.sealed.validating import ValueVerdict, Verdict

from .base import here
from .json import error_data, page
from .page import Errors, Note, Page, Table, Warn
from .text import Cell, Row, counted, printable

if TYPE_CHECKING:
    from .wire import state as wire

_STYLES = {Verdict.OPENS: "green", Verdict.CANNOT_TELL: "yellow"}


def _text_page(found: Validation) -> Page:
    yield Table([row for item in found.items for row in _rows(item)])
    for line in found.notes:
        yield Note(line)
    yield Errors(found.errors)
    counts = _counts(found)
    if counts[Verdict.CANNOT_TELL]:
        yield Warn(f"warning: {_unknown(found)}")
    parts = [f"{counts[verdict]} {_COUNTED.get(verdict, verdict)}" for verdict in Verdict if counts[verdict]]
    yield Note(f"{counted(counts.total(), 'value')}{': ' if parts else ''}{', '.join(parts)}")


def _json_page(found: Validation) -> Page:
    base = here()
    data: wire.Validation = {
        "keys": found.keys,
        "items": [
            {
                "path": base.path(item.path),
                "line": item.line,
                "name": item.name,
                "namespace": item.namespace,
                "scope": item.scope.value,
                "values": [_value_data(value) for value in item.values],
            }
            for item in found.items
        ],
        "errors": [error_data(error, base) for error in found.errors],
        "notes": list(found.notes),
        "summary": {str(verdict): count for verdict, count in sorted(_counts(found).items())},
    }
    return page("unseal", data, base)


FORMATS: Mapping[str, Callable[[Validation], Page]] = {"text": _text_page, "json": _json_page}

_COUNTED = {Verdict.OPENS: "open", Verdict.CANNOT_TELL: "cannot be told"}


def _value_data(value: ValueVerdict) -> wire.SealedValue:
    return {"key": value.key, "line": value.line, "verdict": value.verdict.value, "reason": value.reason}


def _counts(found: Validation) -> Counter[Verdict]:
    return Counter(value.verdict for item in found.items for value in item.values)


def _rows(item: ValidatedSealed) -> Iterator[Row]:
    """A row for a SealedSecret whose values all open; else one for each value that does not."""
    name = f"{item.namespace}/{item.name}" if item.namespace else item.name
    good = sum(value.verdict is Verdict.OPENS for value in item.values)
    if item.is_good:
        place = item.path if item.line is None else f"{item.path}:{item.line}"
        yield (
            Cell(printable(place)),
            Cell(printable(name)),
            Cell("opens", "green"),
            Cell(f"{counted(good, 'value')}, {item.scope}"),
        )
    for value in item.values:
        if value.verdict is Verdict.OPENS:
            continue
        place = item.path if value.line is None else f"{item.path}:{value.line}"
        yield (
            Cell(printable(place)),
            Cell(printable(f"{name} {value.key}")),
            Cell(str(value.verdict), _STYLES.get(value.verdict, "red")),
            Cell(printable(value.reason)),
        )


def _unknown(found: Validation) -> str:
    if not found.keys:
        return (
            "without a private key of the controller, nobody can tell whether a value opens: name one with "
            "--private-key FILE, or ask the controller with `kubeseal --validate`"
        )
    return (
        "a value for another key looks like one for another name or namespace: only the controller has "
        "all of its keys, and can tell"
    )
