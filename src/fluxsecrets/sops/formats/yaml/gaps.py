"""The gaps between values while a text is read, and the comments in them, as `comments` places them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fluxsecrets.sops.document import Comment

from .comments import Collection, Kind, Lines, Placed, Placer, Token, feet_of_marker
from .nodes import RawDocument, RawMapping


class Gaps:
    """Follows a reader through a text.

    Attributes:
        commented: the text may have comments; where it has none, the reader need not report what it reads.
        placed: the comments that were found.
    """

    __slots__ = (
        *("_before", "_lines", "_own", "_parents", "_placer", "_sign", "_start", "_text"),
        *("commented", "placed"),
    )

    def __init__(self, text: str) -> None:
        self._text = text
        self._sign = self._next_sign(0)  # the next sign of a comment, or the end
        self.commented = self._sign < len(text)
        self.placed: list[Placed] = []
        self._own: list[Placed] = []
        self._lines = Lines(text)
        self._parents: dict[int, Collection] = {}
        self._placer: Placer | None = None
        self._start = 0  # of the document
        self._before: tuple[int, int, Kind, Collection, int] | None = None

    def begin(self, root: RawMapping) -> None:
        """A document's root starts."""
        self._placer = Placer(self._text, root, self._lines, self._parents)

    def opened(self, container: Collection, outer: Collection) -> None:
        """A map or list starts inside another one. It must outlive this object."""
        self._parents[id(container)] = outer

    def pass_by(self, token: tuple[int, int, Kind, Collection, int]) -> None:
        """A scalar was read; see `Token`, which is made of it where it is needed."""
        if self._sign < token[1]:
            self._commented_by(Token(*token))
        self._before = token

    def _commented_by(self, token: Token) -> None:
        """A sign of a comment stands in front of a scalar or inside it."""
        if self._sign < token.start:
            self._place(token, token.start)
        if self._sign < token.end:
            if self._text[token.start] in "|>" and self._placer is not None:
                self._own += self._placer.inner_comments(token)
            self._sign = self._next_sign(token.end)

    def end(self, documents: Sequence[RawDocument], end: int) -> None:
        """The last one of the documents has ended.

        Args:
            documents: those that were read.
            end: where the next one begins, or the text ends.
        """
        if self._sign < end:
            self._place(None, end)
        if self._own:
            before = documents[-2] if len(documents) > 1 else None
            self.placed += feet_of_marker(self._text, self._own, documents[-1], before)
            self._own = []
        self._start, self._before = end, None

    def _place(self, after: Token | None, end: int) -> None:
        assert self._placer is not None  # noqa: S101 - every value is in a map
        before = None if self._before is None else Token(*self._before)
        start = self._start if before is None else before.end
        if before is None or after is None or not self._place_between(before, after, start, end):
            self._own += self._placer.gap(before, after, start, end)
        self._sign = self._next_sign(end)

    def _place_between(self, before: Token, after: Token, start: int, end: int) -> bool:
        """Place comments between a value and the next key of its map, if they stand in the map's column.

        They belong to the map, whether go-yaml takes them for head or foot. Return False for others.
        """
        container, text = before.container, self._text
        if before.kind is not Kind.VALUE or after.kind is not Kind.KEY or after.container is not container:
            return False
        from fluxsecrets.sops.betweenkeys import between  # for files with comments

        below = text[start - 1] in "\r\n"  # a block scalar ends behind its line break
        at = between(text[start:end], container.column, below=below)
        if at is None:
            return False
        for found in _SIGNS.finditer(text, start, end):
            sign, last = found.span()
            inline = sign == start + at
            comment = Comment((), text[sign + 1 : last], sign + 1, last, self._lines.number(sign), inline)
            self._own.append(Placed(container, before.entry - 0.5 if inline else sign + 1, comment))
        return True

    def _next_sign(self, start: int) -> int:
        found = self._text.find("#", start)
        return len(self._text) if found < 0 else found


_SIGNS = re.compile(r"#[^\n]*")
