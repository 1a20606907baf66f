"""What a result looks like: blocks in order, which `cli.output` lays out and prints.

A renderer turns a result into a page. The formats of each kind of result are a table beside its renderers:
format name -> renderer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from fluxsecrets.errors import FluxsecretsError
    from fluxsecrets.findings import Finding

    from .text import Cell, Row


class Table(NamedTuple):
    """Rows of the result; with an outline, the first cells are indented as in a tree."""

    rows: Sequence[Row]
    outline: bool = False


class Lines(NamedTuple):
    """Lines of the result, written as they are."""

    lines: Iterable[str]


class Sentence(NamedTuple):
    """A printable sentence of the result, indented; at a terminal in colour, and wrapped.

    `before` is in place of the first line's indentation. It has a style of its own, and at most its width.
    """

    text: str
    style: str = ""
    indent: str = "    "
    before: Cell | None = None


class Heading(NamedTuple):
    """A row of the result whose cells are as wide as others'; at a terminal, it goes on below if need be.

    Attributes:
        indent: what further lines begin with.
        first: what the first one begins with.
    """

    cells: Row
    indent: str = "        "
    first: str = ""


class FindingList(NamedTuple):
    """Findings by file, and how to show a path."""

    findings: Sequence[Finding]
    show_path: Callable[[str], str]


class Note(NamedTuple):
    """A message that is not part of the result; --quiet leaves it out."""

    text: str


class Warn(NamedTuple):
    """A warning, complete with its word; --quiet leaves it out."""

    line: str


class Errors(NamedTuple):
    """Errors, which are always shown."""

    errors: Sequence[FluxsecretsError]


Block: TypeAlias = Table | Lines | Sentence | Heading | FindingList | Note | Warn | Errors
Page: TypeAlias = Iterable[Block]
