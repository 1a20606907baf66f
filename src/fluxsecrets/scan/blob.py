"""The content of one file as the rules see it: bytes to search, text to read, and places in both."""

from __future__ import annotations

import codecs
from bisect import bisect_right

_UTF8_BOM = codecs.BOM_UTF8
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY_LOOK = 8000
"""Bytes at the start in which a NUL means a binary file, as in git."""
_STRIDE = 4096
_FOLLOWING = bytes(range(0x80, 0xC0))
"""Bytes that start no character of UTF-8."""


def _unmarked(start: bytes) -> str:
    """The encoding of UTF-16 without a mark, as YAML allows it and PowerShell writes it, or ""."""
    if b"\0" not in start[:4]:
        return ""
    first, second = start[: len(start) & ~1 : 2], start[1::2]
    for zeros, signs, encoding in ((second, first, "utf-16-le"), (first, second, "utf-16-be")):
        if signs and b"\0" not in signs and zeros.count(0) * 10 >= len(zeros) * 9:
            return encoding
    return ""


def _characters(data: bytes) -> int:
    return len(data.translate(None, _FOLLOWING))


class Blob:
    """One file's content.

    UTF-16 and UTF-32 are turned into UTF-8 and a byte order mark is dropped, so that offsets count from the
    first character. Text that is not UTF-8 is read as Latin-1, in which every byte is a character.

    Attributes:
        part: it is a piece of a larger file: nothing is parsed.
        first_line, first_column: where it starts in its file.
    """

    __slots__ = (
        "_ascii",
        "_breaks",
        "_counts",
        "_text",
        "binary",
        "data",
        "first_column",
        "first_line",
        "part",
        "path",
    )

    def __init__(
        self,
        path: str,
        raw: bytes,
        *,
        part: bool = False,
        first_line: int = 1,
        first_column: int = 1,
        binary: bool | None = None,
    ) -> None:
        """Take a file's path and bytes as they are, and of a piece its place in the file."""
        for mark, encoding in _WIDE:
            if raw.startswith(mark) and not part:
                raw = raw.decode(encoding, "replace").encode("utf-8", "replace")
                break
        else:
            encoding = "" if part else _unmarked(raw[:_BINARY_LOOK])
            if encoding:
                raw = raw.decode(encoding, "replace").encode("utf-8", "replace")
        self.path = path
        self.data = raw.removeprefix(_UTF8_BOM)
        self.binary = self.data.find(b"\0", 0, _BINARY_LOOK) >= 0 if binary is None else binary
        self.part = part
        self.first_line = first_line
        self.first_column = first_column
        self._text: str | None = None
        self._breaks: list[int] | None = None
        self._ascii: bool | None = None
        self._counts: list[int] | None = None

    @property
    def text(self) -> str:
        """The content as text."""
        if self._text is None:
            try:
                self._text = self.data.decode("utf-8")
            except UnicodeDecodeError:
                self._text = self.data.decode("latin-1")
        return self._text

    def offset(self, position: int) -> int:
        """The offset in `text` of a position in `data`."""
        if self._ascii is None:
            self._ascii = len(self.text) == len(self.data)
        if self._ascii:
            return position
        if self._counts is None:
            counts = [0]
            for start in range(0, len(self.data), _STRIDE):
                counts.append(counts[-1] + _characters(self.data[start : start + _STRIDE]))
            self._counts = counts
        whole = position // _STRIDE
        return self._counts[whole] + _characters(self.data[whole * _STRIDE : position])

    def place(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of an offset in `text`; lines end at LF, as in editors and git."""
        if self._breaks is None:
            text, found, at = self.text, [0], -1
            while (at := text.find("\n", at + 1)) >= 0:
                found.append(at + 1)
            self._breaks = found
        line = bisect_right(self._breaks, offset)
        column = offset - self._breaks[line - 1] + (self.first_column if line == 1 else 1)
        return line - 1 + self.first_line, column
