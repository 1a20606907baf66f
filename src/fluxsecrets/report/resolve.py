"""Conflicts of a file, and what became of them, in each format of output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fluxsecrets.marks import is_ciphertext
from fluxsecrets.merging import Missing, Picks, Place, Side
from fluxsecrets.ops.compare.masking import Masker
from fluxsecrets.ops.compare.model import Masked, Shape
from fluxsecrets.ops.merge.dispute import Dispute, Disputed
from fluxsecrets.ops.merge.resolve import Resolution, Resolved
from fluxsecrets.repo.git.conflicts import Operation, Origin
from fluxsecrets.shell import file_word, word
from fluxsecrets.sops.document import Data

from .base import here
from .diff import masked_data
from .diff_text import masked_text
from .json import page
from .page import Lines, Note, Page, Table
from .text import Cell, Row, printable

if TYPE_CHECKING:
    from .wire import changes as wire

_ID = 10
_SEALED = "sealed"
_WIDTH = 57
"""Columns for a commit's subject and branches, so that a line fits a terminal."""

_SIDES = (Side.OURS, Side.THEIRS, Side.BASE)
_STATES = {
    Operation.MERGE: "a merge is in progress",
    Operation.REBASE: "a rebase is in progress: theirs is your commit, ours is what it is put on",
    Operation.CHERRY_PICK: "a cherry-pick is in progress",
    Operation.REVERT: "a revert is in progress: theirs is the file before the reverted commit",
    Operation.STASH: "theirs is the stash",
    Operation.UNKNOWN: "the index has three versions of the file",
    Operation.COMMITTED: "the conflict was committed; the sides are the parents of that merge",
}


@dataclass(frozen=True, slots=True)
class Resolving:
    """What is shown of a file.

    Attributes:
        dispute: None if the file has no conflict.
        picks: the side that was taken for each conflict that is settled.
        entered: the conflicts that got a new value.
    """

    resolved: Resolved
    dispute: Dispute | None = None
    picks: Picks = field(default_factory=dict)
    entered: frozenset[Place] = frozenset()


def head_page(dispute: Dispute) -> Page:
    """Say what the conflict is about, and whose side is which."""
    yield Lines(
        [f"{printable(dispute.shown)}: {_count(dispute)}", f"  {_STATES[dispute.conflicted.operation]}"]
    )
    rows = [
        _origin_row("ours", dispute.conflicted.our_origin),
        _origin_row("theirs", dispute.conflicted.their_origin),
    ]
    yield Table([row for row in rows if row])


def value_lines(value: Disputed, masker: Masker) -> Iterator[str]:
    """One conflict: its key, and what each side has, without values."""
    yield printable(_name(value))
    for side in _SIDES:
        yield f"  {side.value:<6}   {_described(value, side, masker)}"


def plain_lines(value: Disputed) -> Iterator[str]:
    """One conflict with its values."""
    for side in _SIDES:
        if side not in value.plain:
            yield f"  {side.value:<6}   no identity opens it"
            continue
        first, *rest = _shown(value.plain[side])
        yield f"  {side.value:<6}   {first}"
        yield from (f"           {line}" for line in rest)


def _text_page(resolving: Resolving) -> Page:
    resolved, dispute = resolving.resolved, resolving.dispute
    shown = printable(resolved.path)
    if dispute is None:
        yield Note(f"{shown}: no conflict")
        return
    for note in resolved.notes:
        yield Note(f"{shown}: {printable(note)}")
    settled = {value.place: _settled(resolving, dispute, value) for value in dispute.values}
    if resolved.outcome in (Resolution.RESOLVED, Resolution.ALREADY):
        kept = resolved.outcome is Resolution.ALREADY
        yield Note(f"{shown}: {resolved.outcome}" + ("" if kept else f", {_count(dispute)}"))
        for value in () if kept else dispute.values:
            yield Note(f"  {printable(_name(value))}: {settled[value.place]}")
        if not resolved.staged:
            yield Note(f"  hint: run `git add {file_word(resolved.path)}`")
        return
    yield from head_page(dispute)
    masker = Masker()
    for value in dispute.values:
        how = settled[value.place]
        yield Lines([f"{printable(_name(value))}: {how}"] if how else value_lines(value, masker))
    yield Lines(map(printable, _commands(resolved)))
    if resolved.outcome is Resolution.PARTLY:
        left = len(resolved.left)
        yield Note(f"{shown}: {len(dispute.values) - left} of {_count(dispute)} resolved, {left} left")


def _count(dispute: Dispute) -> str:
    count = len(dispute.values)
    return "no conflict" if count == 0 else "1 conflict" if count == 1 else f"{count} conflicts"


def _settled(resolving: Resolving, dispute: Dispute, value: Disputed) -> str:
    """How a conflict was settled, or ""."""
    if value.place in resolving.entered:
        return "a new value"
    side = resolving.picks.get(value.place)
    if side is None:
        return ""
    by_hand = dispute.done.picks.get(value.place) is side
    return f"{side.value}, resolved in the file" if by_hand else side.value


def _commands(resolved: Resolved) -> Iterator[str]:
    """The commands that end it."""
    command = f"fluxsecrets resolve {file_word(resolved.path)}"
    first = resolved.left[0]
    key = first.key if first.document is None else f"{first.document}:{first.key}"
    yield "to end it, at a terminal or with one of these:"
    yield f"  {command}"
    if first.conflict.path:
        yield f"  {command} --ours {word(key)}"
        yield f"  {command} --theirs {word(key)}"
    yield f"  {command} --all-ours"
    yield f"  {command} --all-theirs"


def _json_page(resolving: Resolving) -> Page:
    dispute, resolved = resolving.dispute, resolving.resolved
    masker = Masker()
    found = None if dispute is None else dispute.conflicted
    values = () if dispute is None else dispute.values
    base = here()
    data: wire.Resolving = {
        "path": base.path(resolved.path),
        "outcome": resolved.outcome.value,
        "operation": None if found is None else found.operation.value,
        "ours": None if found is None else _origin_data(found.our_origin),
        "theirs": None if found is None else _origin_data(found.their_origin),
        "conflicts": [
            _value_data(resolving, dispute, value, masker) for value in values if dispute is not None
        ],
        "changed_by_hand": [] if dispute is None else list(dispute.done.changes),
        "staged": resolved.staged,
        "notes": list(resolved.notes),
    }
    return page("resolve", data, base)


def _value_data(resolving: Resolving, dispute: Dispute, value: Disputed, masker: Masker) -> wire.Conflict:
    picked = resolving.picks.get(value.place)
    taken: Literal["ours", "theirs", "base"] | None = None if picked is None else picked.value
    return {
        "key": value.key,
        "document": value.document,
        "settled": "entered" if value.place in resolving.entered else taken,
        "by_hand": dispute.done.picks.get(value.place) is picked is not None,
        "ours": _side_data(value, Side.OURS, masker),
        "theirs": _side_data(value, Side.THEIRS, masker),
        "base": _side_data(value, Side.BASE, masker),
    }


def _side_data(value: Disputed, side: Side, masker: Masker) -> wire.MaskedValue | None:
    data = _data(value, side)
    if isinstance(data, Missing):
        return None
    masked = _masked(value, side, masker)
    if masked is None:
        kind = "map" if isinstance(data, dict) else "list" if isinstance(data, list) else _SEALED
        masked = Masked(Shape(kind), "")
    return masked_data(masked, encrypted=masked.shape.kind == _SEALED or is_ciphertext(_written(value, side)))


def _origin_data(origin: Origin | None) -> wire.SideCommit | None:
    if origin is None:
        return None
    return {"commit": origin.id, "subject": origin.subject, "names": list(origin.names)}


def _origin_row(side: str, origin: Origin | None) -> Row:
    if origin is None:
        return ()
    names = f" ({', '.join(origin.names)})" if origin.names else ""
    text = printable(f"{origin.subject}{names}")
    text = text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"
    return Cell(f"  {side}"), Cell(origin.id[:_ID]), Cell(text)


def _name(value: Disputed) -> str:
    return value.key if value.document is None else f"{value.key} in document {value.document}"


def _described(value: Disputed, side: Side, masker: Masker) -> str:
    data = _data(value, side)
    if isinstance(data, Missing):
        return "missing"
    if isinstance(data, dict | list):
        what, noun = ("map", "key") if isinstance(data, dict) else ("list", "item")
        return f"a {what} with {len(data)} {noun if len(data) == 1 else noun + 's'}"
    masked = _masked(value, side, masker)
    if masked is None:
        return "a sealed value"
    shown = masked_text(masked)
    return shown if is_ciphertext(_written(value, side)) else f"{shown}, plain text"


def _data(value: Disputed, side: Side) -> Data | Missing:
    return value.plain[side] if side in value.plain else _written(value, side)


def _written(value: Disputed, side: Side) -> Data | Missing:
    """What a side has in the file."""
    conflict = value.conflict
    return {Side.OURS: conflict.ours, Side.THEIRS: conflict.theirs, Side.BASE: conflict.base}[side]


def _masked(value: Disputed, side: Side, masker: Masker) -> Masked | None:
    data = value.plain.get(side)
    if side not in value.plain or isinstance(data, Missing | dict | list):
        return None
    return masker.masked(data, encrypted=is_ciphertext(_written(value, side)))


def _shown(data: Data | Missing) -> list[str]:
    if isinstance(data, Missing):
        return ["missing"]
    if isinstance(data, bytes):
        try:
            data = data.decode("utf-8")
        except UnicodeDecodeError:
            return [f"{len(data)} bytes that are not text"]
    if isinstance(data, str):
        return [printable(line) for line in data.split("\n")]
    from fluxsecrets.sops.formats.json import dump  # only where values are shown

    return [printable(dump(data, None, "  "))]


FORMATS: Mapping[str, Callable[[Resolving], Page]] = {"text": _text_page, "json": _json_page}
"""Renderers of a file's conflicts."""
