"""What a merge came to, as text."""

from __future__ import annotations

from fluxsecrets.ops.merge.model import MergeResult, Outcome
from fluxsecrets.shell import file_word

from .page import Errors, Note, Page
from .text import printable


def driver_page(path: str, result: MergeResult) -> Page:
    """Say what the user has to know about a merged file. A clean merge without notes prints nothing.

    Args:
        path: of the file in the repository.
        result: of its merge.
    """
    shown = printable(path)
    if result.reason is not None:
        yield Errors([result.reason.in_file(path)])
    for note in result.notes:
        yield Note(f"{shown}: {printable(note)}")
    for conflict in result.conflicts:
        yield Note(f"{shown}: conflict in {printable(conflict)}")
    if result.conflicts or (result.notes and result.outcome is Outcome.UNSIGNED):
        yield Note(f"  hint: run `fluxsecrets resolve {file_word(path)}`")
