"""What completes a word."""

from __future__ import annotations

from fluxsecrets.namedtuples import NamedTuple


class Suggestion(NamedTuple):
    """One way to complete a word.

    Attributes:
        value: the whole word.
        help: what it means, for shells that show that; or "".
        kind: `word`, `file`, `folder`, or `part` for what goes on without a blank.
    """

    value: str
    help: str = ""
    kind: str = "word"


class Suggestions(NamedTuple):
    """All ways to complete a word; `files` leaves it to the shell, which knows files."""

    found: tuple[Suggestion, ...] = ()
    files: bool = False


SHELLS_FILES = Suggestions(files=True)
