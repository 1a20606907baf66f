"""The content of one file as the rules see it: bytes to search, text to read, and places in both."""

from __future__ import annotations

import codecs
from bisect import bisect_right

TYPE_CHECKING = False
if TYPE_CHECKING:  # most files are not encrypted
    from fluxsecrets.sops.document import Document
    from fluxsecrets.sops.formats import Format

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


_CONTROLS = bytes(sorted({*range(0x20), 0x7F} - set(b"\t\n\r\f\b\x1b")))
_WORDS = (2, "utf-16-le"), (2, "utf-16-be"), (4, "utf-32-le"), (4, "utf-32-be")


def _in_utf8(raw: bytes) -> bytes:
    """A text in UTF-16 or UTF-32, or with stray NULs, as UTF-8; anything else as it is."""
    for mark, encoding in _WIDE:
        if raw.startswith(mark):
            return raw.decode(encoding, "replace").encode("utf-8", "replace")
    if raw.find(b"\0", 0, _BINARY_LOOK) < 0 or _is_der(raw):
        return raw
    start = raw[:_BINARY_LOOK]
    stray = _has_stray_nul(start)
    # Two letters of ASCII are one of Chinese: a text with few NULs is not turned into another one.
    few = 4 * start.count(0) <= len(start)
    if not (stray and few) and (encoding := _unmarked(start)):
        return raw.decode(encoding, "replace").encode("utf-8", "replace")
    return raw.replace(b"\0", b"") if stray else raw


def _is_der(raw: bytes) -> bool:
    """Whether a file is one DER structure, to the last byte; a short key can look like UTF-16."""
    if len(raw) < 4 or raw[0] != 0x30:
        return False
    size = raw[1] - 0x80 if raw[1] > 0x80 else 0
    length = int.from_bytes(raw[2 : 2 + size], "big") if size else raw[1]
    return size <= 4 and 2 + size + length == len(raw)


def _unmarked(start: bytes) -> str:
    """The encoding of UTF-16 or UTF-32 without a mark, as YAML allows it and PowerShell writes it, or ""."""
    for width, encoding in _WORDS:
        text = _decoded(start[: len(start) // width * width], width, encoding)
        # Text in any script has line breaks and blanks; numbers read as text have signs that nobody writes.
        if (
            text
            and text.count("\0") == 0
            and 50 * sum(sign < "\x7f" for sign in text) >= len(text)
            and _is_text(text)
        ):
            return encoding
    return ""


def _decoded(start: bytes, width: int, encoding: str) -> str:
    for cut in (0, width):  # half of a pair may be at the end
        try:
            return start[: len(start) - cut].decode(encoding)
        except UnicodeDecodeError:
            pass
    return ""


def _is_text(text: str) -> bool:
    return 50 * sum(sign.isprintable() or sign.isspace() for sign in text) >= 49 * len(text)


def _has_stray_nul(start: bytes) -> bool:
    """Whether a text merely has NULs in it, which would hide it from programs that take it for binary."""
    rest = start.replace(b"\0", b"")
    if len(rest) < 8 or 2 * len(rest) < len(start) or start[257:262] == b"ustar":
        return False
    if rest.translate(None, _CONTROLS) != rest:
        return False
    try:
        rest.decode()
    except UnicodeDecodeError as error:
        return error.start > len(rest) - 4  # cut in two by the end of the sample
    return True


def _characters(data: bytes) -> int:
    return len(data.translate(None, _FOLLOWING))


class Blob:
    """One file's content.

    UTF-16 and UTF-32 are turned into UTF-8 and a byte order mark is dropped, so that offsets count from the
    first character. NULs in a text are left out: they would hide it. Text that is not UTF-8 is read as
    Latin-1, in which every byte is a character.

    Attributes:
        part: it is a piece of a larger file: nothing is parsed.
        first_line, first_column: where it starts in its file.
        parsed: what the data are to sops, with their format, once a rule has asked for that; or None.
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
        "parsed",
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
        if not part:
            raw = _in_utf8(raw)
        self.path = path
        self.data = raw.removeprefix(_UTF8_BOM)
        self.binary = self.data.find(b"\0", 0, _BINARY_LOOK) >= 0 if binary is None else binary
        self.part = part
        self.first_line = first_line
        self.first_column = first_column
        self.parsed: tuple[Format, Document] | None = None
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
