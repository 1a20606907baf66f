"""What differs between two states, for people: a block per file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.compare.diff import Diff
from fluxsecrets.ops.compare.model import (
    FileDiff,
    FileState,
    Mac,
    Masked,
    ReferenceDiff,
    SideInfo,
    ValueDiff,
    ValueState,
)
from fluxsecrets.shell import with_file
from fluxsecrets.sops.document import show_path
from fluxsecrets.sops.values import Timestamp, Value

from .page import Block, Errors, Note, Page, Sentence, Table
from .text import Cell, Row, counted, path_shower, printable

_SIGNS = {
    ValueState.ADDED: ("+", "green"),
    ValueState.REMOVED: ("-", "red"),
    ValueState.CHANGED: ("~", "yellow"),
    ValueState.REENCRYPTED: ("=", ""),
    ValueState.UNKNOWN: ("?", "yellow"),
}
_STYLES = {
    FileState.ADDED: "green",
    FileState.REMOVED: "red",
    FileState.ENCRYPTED: "green",
    FileState.DECRYPTED: "red",
    FileState.UNREADABLE: "red",
}
_MACS = {Mac.OK: "MAC ok", Mac.WRONG: "MAC wrong", Mac.UNKNOWN: "MAC not checked"}
ARROW = "→"


class Fact(NamedTuple):
    """Something about a file as a whole, as a sentence; `grave` if it may be an attack or a leak."""

    text: str
    grave: bool = False


def text_page(found: Diff) -> Page:
    """The files with their values, and what is to know of each."""
    show_file = path_shower(found.root)
    for number, each in enumerate(found.files):
        if number:
            yield Table([[Cell("")]])
        yield from _file(each, show_file)
    yield Errors([*_errors(found, show_file)])
    yield Note(summary(found))


def summary(found: Diff) -> str:
    """A sentence such as `2 files differ between HEAD and the work tree: 1 changed, 1 added`."""
    between = f"between {printable(found.before)} and {printable(found.after)}"
    if not found.files:
        return f"no secret differs {between}"
    counts = Counter(each.state for each in found.files)
    parts = ", ".join(f"{counts[state]} {state}" for state in FileState if counts[state])
    verb = "differs" if len(found.files) == 1 else "differ"
    return f"{counted(len(found.files), 'file')} {verb} {between}: {parts}"


def _file(each: FileDiff, show_file: Callable[[str], str]) -> Iterator[Block]:
    name = printable(show_file(each.path))
    if each.old_path is not None:
        name = f"{printable(show_file(each.old_path))} {ARROW} {name}"
    yield Table([[Cell(name, "bold"), Cell(each.state, _STYLES.get(each.state, "yellow"))]])
    for fact in facts(each):
        yield Sentence(printable(fact.text), "red" if fact.grave else "", indent="  ")
    objects = [value.object for value in each.values] + [value.object for value in each.references]
    for shown in dict.fromkeys(objects):
        if shown:
            yield Sentence(printable(shown), indent="  ")
        rows = [_row(value) for value in each.values if value.object == shown]
        rows += [_reference_row(value) for value in each.references if value.object == shown]
        yield Table(rows, outline=True)


def _row(value: ValueDiff) -> Row:
    sign, style = _SIGNS[value.state]
    return Cell(f"    {sign} {printable(show_path(value.path))}", style), Cell(printable(described(value)))


def _reference_row(reference: ReferenceDiff) -> Row:
    before, after = reference.before, reference.after
    sign, style = ("+", "green") if before is None else ("-", "red") if after is None else ("~", "yellow")
    text = f" {ARROW} ".join(each for each in (before, after) if each is not None)
    return Cell(f"    {sign} {printable(reference.key)}", style), Cell(printable(text))


def described(value: ValueDiff) -> str:
    """A value's shapes and tokens, such as `str 9-16 k3f9q2ab7c → str 17-32 x81mfd02jq`."""
    before, after = _side(value.before, value.plain_before), _side(value.after, value.plain_after)
    was, now = value.encrypted_before, value.encrypted_after
    moved = "" if was and now else "was plain text" if now else "plain text now" if was else "plain text"
    if value.state is ValueState.REENCRYPTED:
        return f"{after}, same value, {moved or 'encrypted anew'}"
    if value.state is ValueState.UNKNOWN:
        shown = before if before == after else f"{before} {ARROW} {after}"
        return f"{shown}, {f'{moved}, value unknown' if moved else 'new ciphertext'}"
    shown = f" {ARROW} ".join(text for text in (before, after) if text)
    hidden = was if value.after is None else now if value.before is None else was and now
    return shown if hidden else f"{shown}, {'plain text' if not (was or now) else moved}"


def _side(masked: Masked | None, plain: Value) -> str:
    if masked is None:
        return ""
    shown = masked_text(masked)
    return shown if plain is None else f"{shown} {_quoted(plain)}"


def masked_text(masked: Masked) -> str:
    """A value's shape and token, such as `str 9-16 k3f9q2ab7c`."""
    shape = masked.shape
    words = [shape.kind, "" if shape.length is None else str(shape.length), masked.token]
    return " ".join(word for word in words if word)


def _quoted(value: Value) -> str:
    if isinstance(value, Timestamp):
        return value.text
    return repr(value)


def facts(each: FileDiff) -> Iterator[Fact]:
    """What is to know of a file as a whole, beside its values."""
    before, after = each.before, each.after
    yield from _macs(each)
    if each.state is FileState.DECRYPTED:
        yield Fact("it was encrypted, and is plain text now", grave=True)
    came = [f"+{name}" for name in each.recipients_added]
    went = [f"-{name}" for name in each.recipients_removed]
    both = before is not None and after is not None and before.encrypted and after.encrypted
    if both and (came or went):
        yield Fact(f"recipients: {', '.join((*came, *went))}")
    elif came and after is not None:
        yield Fact(f"recipients: {', '.join(each.recipients_added)}")
    if both and before is not None and after is not None:
        yield from _protection(before, after)
        if each.new_data_key:
            yield Fact("new data key")
        elif went and each.new_data_key is None:
            yield Fact("without a key it is unknown whether the data key is new", grave=True)
        elif went:
            yield Fact("same data key: recipients that were removed can still decrypt the values", grave=True)
    if each.comments:
        yield Fact("comments differ")
    elif each.comments is None:
        yield Fact("comments may differ: their ciphertext does")


def _macs(each: FileDiff) -> Iterator[Fact]:
    if each.state is FileState.UNREADABLE:
        return  # the error says more than the MAC of the other side
    words = [
        _MACS[side.mac] for side in (each.before, each.after) if side is not None and side.mac is not None
    ]
    if words:
        wrong = each.after is not None and each.after.mac is Mac.WRONG
        yield Fact(words[0] if len(set(words)) == 1 else f" {ARROW} ".join(words), grave=wrong)


def _protection(before: SideInfo, after: SideInfo) -> Iterator[Fact]:
    changes: Mapping[str, tuple[object, object]] = {
        "selector": (before.selector, after.selector),
        "key groups needed": (before.threshold, after.threshold),
        "MAC over encrypted values only": (_word(before.mac_only_encrypted), _word(after.mac_only_encrypted)),
    }
    for name, (old, new) in changes.items():
        if old != new:
            yield Fact(f"{name}: {old} {ARROW} {new}")
    if len(before.recipients) != len(after.recipients):
        yield Fact(f"key groups: {len(before.recipients)} {ARROW} {len(after.recipients)}")


def _word(given: bool) -> str:
    return "yes" if given else "no"


def _errors(found: Diff, show_file: Callable[[str], str]) -> Iterator[FluxsecretsError]:
    """What is wrong with files, said of the state that it is wrong in."""
    for each in found.files:
        for side, state in ((each.before, found.before), (each.after, found.after)):
            if side is None or side.error is None:
                continue
            error = side.error
            hint = with_file(error.hint, side.path) if error.hint else None
            yield FluxsecretsError(
                f"{error.message} ({state})", path=show_file(side.path), line=error.line, hint=hint
            )
