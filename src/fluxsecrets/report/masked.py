"""What a masked tree holds, told before a command runs on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fluxsecrets.ops.masked.model import Masked, MaskedFile, MaskedTree

from .page import Errors, Note, Page, Warn
from .text import counted, printable

_LOUD = (
    "warning: --show-values: encrypted files are plain text in this tree, and the command can read them",
    "warning: --show-values: plain text is written to {}: delete it as soon as you can",
)
_SHOWN = 3


def masked_page(found: Masked) -> Page:
    """Say what became of the files."""
    if found.with_values:
        yield Warn(_LOUD[0])
    if found.with_values and found.output is not None:
        yield Warn(printable(_LOUD[1].format(found.output)))
    for tree in found.trees:
        name = f"{tree.name}: " if len(found.trees) > 1 else ""
        yield Errors(tree.problems)
        for line in _remarks(tree):
            yield Warn(printable(f"warning: {name}{line}"))
        yield Note(printable(f"{name}{_summary(tree, with_values=found.with_values)}"))
    if found.output is not None:
        yield Note(printable(f"written to {found.output}"))


def _summary(tree: MaskedTree, *, with_values: bool) -> str:
    secret = [each for each in tree.masked if each.values or each.closed or each.stand_ins]
    values = sum(each.values for each in tree.masked)
    closed = sum(each.closed for each in tree.masked)
    stand_ins = sum(each.stand_ins for each in tree.masked)
    done = "decrypted" if with_values else "masked"
    parts = [f"{counted(values, 'value')} {done}"] if values or not closed else []
    if closed:
        parts.append(f"{counted(closed, 'value')} masked by the ciphertext{_unopened(tree)}")
    if stand_ins:
        parts.append(f"{counted(stand_ins, 'Secret')} in place of SealedSecrets and ExternalSecrets")
    return f"{counted(tree.files, 'file')}, {len(secret)} with secrets: {', '.join(parts)}"


def _unopened(tree: MaskedTree) -> str:
    files = sum(each.closed > 0 and each.problem is None for each in tree.masked)
    return f", in {counted(files, 'file')} that no identity decrypts" if files else ""


def _remarks(tree: MaskedTree) -> Iterator[str]:
    """One line per remark, with the first files that it is about."""
    places: dict[str, list[str]] = {}
    for each in tree.remarks:
        places.setdefault(each.text, []).append(each.path)
    for file in tree.masked:
        for text in file.remarks:
            places.setdefault(text, []).append(file.path)
        if file.problem is not None:
            places.setdefault(_outcome(file), []).append(file.path)
    for text, paths in places.items():
        yield f"{_listed(paths)}: {text}"


def _outcome(file: MaskedFile) -> str:
    return "left out of the tree" if file.data is None else "masked by the ciphertext"


def _listed(paths: Sequence[str]) -> str:
    more = len(paths) - _SHOWN
    shown = paths[:_SHOWN]
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
