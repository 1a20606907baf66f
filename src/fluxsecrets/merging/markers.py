"""Conflict markers: written around the lines of single values, and read, those of git included."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import Edit, Format, Limits, apply_edits, encode_text, newline_of

from .alternatives import alternative
from .holding import has_bom
from .model import Conflict, Labels, Side
from .regions import regions, trimmed


def with_markers(
    format_: Format,
    document: Document,
    base: Document | None,
    theirs: Document,
    conflicts: Sequence[Conflict],
    labels: Labels,
    limits: Limits,
    *,
    unsealed: bool = False,
) -> bytes | None:
    """The merged text with conflict markers around the lines of the values on which the sides disagree.

    Whichever side is chosen between each pair of markers, the text can be parsed.

    Args:
        format_: of all documents.
        document: the merged file with ours' value for each conflict, and the sops block that it is to have.
        base: what both sides come from; None if both added the file.
        theirs: the other side.
        conflicts: as `merge` returned them for these.
        labels: what to write in the markers.
        limits: for reading the texts that are tried.
        unsealed: the MAC can't be made: put markers around the MAC and the time of both sides, too.

    Returns:
        None if no text of theirs or of the base could be made, a line of the file looks like a marker, or
        the MAC to put markers around is missing.
    """
    sides = {Side.THEIRS: theirs}
    if labels.with_base:
        # Without a base, both sides added the file: there is nothing between its markers, as with git.
        sides[Side.BASE] = document if base is None else base
    versions: list[list[Edit]] = []
    for side, other in sides.items():
        has_side = side is not Side.BASE or base is not None
        edits = alternative(format_, document, other if has_side else None, side, conflicts, limits)
        seal = _seal_edits(document, other) if unsealed else []
        if edits is None or (unsealed and not seal):
            return None
        versions.append(edits + seal)
    source, newline = document.source, newline_of(document.source)
    pieces: list[str] = []
    place = 0
    for region in regions(source, versions):
        start, end, texts = trimmed(source, region)
        pieces += (source[place:start], _hunk(source[start:end], texts, labels, newline))
        place = end
    pieces.append(source[place:])
    data = encode_text("".join(pieces), bom=has_bom(document))
    return data if _reads_as(data, labels.size, source, versions[0]) else None


def _reads_as(data: bytes, size: int, ours: str, theirs: Sequence[Edit]) -> bool:
    """Whether the markers tell the sides apart; a line of the file may look like one."""
    try:
        hunks = read_markers(data, size)
    except FluxsecretsError:
        return False
    texts = (ours, apply_edits(ours, list(theirs)))
    if hunks is None:
        return texts[0] == texts[1]
    return all(
        made.decode().removeprefix("\ufeff").rstrip("\r\n") == text.removeprefix("\ufeff").rstrip("\r\n")
        for made, text in zip((hunks.ours, hunks.theirs), texts, strict=True)
    )


_TIME = r"""lastmodified["']?[ \t]*[:=][ \t]*["']?"""


def _seal_edits(document: Document, other: Document) -> list[Edit]:
    """The edits that put the other side's MAC and time into every sops block of the text."""
    own, others = document.metadata, other.metadata
    if own is None or others is None or not own.mac:
        return []
    texts = (own.mac, others.mac or ""), (own.lastmodified, others.lastmodified)
    patterns = (re.escape(own.mac), _TIME + re.escape(own.lastmodified))
    edits: list[Edit] = []
    for (old, new), pattern in zip(texts, patterns, strict=True):
        ends = (match.end() for match in re.finditer(pattern, document.source))
        edits += ((end - len(old), end, new) for end in ends)
    return _joined(document.source, sorted(edits))


def _joined(source: str, edits: Sequence[Edit]) -> list[Edit]:
    """The edits with those on lines that follow each other as one: they are chosen together."""
    joined: list[Edit] = []
    for start, end, text in edits:
        between = source[joined[-1][1] : start] if joined else ""
        if joined and between.count("\n") <= 1:
            first, _, before = joined.pop()
            joined.append((first, end, before + between + text))
        else:
            joined.append((start, end, text))
    return joined


def _hunk(ours: str, texts: Sequence[str], labels: Labels, newline: str) -> str:
    def marker(sign: str, label: str) -> str:
        one_line = "".join(each for each in " ".join(label.split()) if each.isprintable())
        return f"{sign * labels.size} {one_line}".rstrip(" ") + newline

    def lines(text: str) -> str:
        return text if not text or text.endswith("\n") else text + newline

    middle = marker("|", labels.base) + lines(texts[1]) if len(texts) > 1 else ""
    return (
        f"{marker('<', labels.ours)}{lines(ours)}{middle}{marker('=', '')}{lines(texts[0])}"
        f"{marker('>', labels.theirs)}"
    )


@dataclass(frozen=True, slots=True)
class Hunks:
    """The versions of a text that holds conflict markers.

    Attributes:
        ours: the text with the first side of each hunk.
        theirs: the text with the last side of each hunk.
        base: the text with what the sides come from; None if a hunk doesn't show it, or only with markers
            of its own.
        lines: the 1-based line of each `<<<<<<<`.
        labels: what is behind the first hunk's `<<<<<<<` and `>>>>>>>`.
    """

    ours: bytes = field(repr=False)
    theirs: bytes = field(repr=False)
    base: bytes | None = field(repr=False)
    lines: tuple[int, ...]
    labels: tuple[str, str]


_USUAL = 7
_BOM = b"\xef\xbb\xbf"
_OPENING = re.compile(rb"(?m)^(<{3,})(?: [^\r\n]*)?\r?$")
_MIDDLE = re.compile(rb"(?m)^(={3,})\r?$")
_CLOSING = re.compile(rb"(?m)^(>{3,})(?: |\r?$)")


def read_markers(data: bytes, size: int | None = None) -> Hunks | None:
    """Take a text with conflict markers apart, in git's styles merge, diff3 and zdiff3.

    Args:
        data: any file.
        size: how many characters a marker has; None finds it out by the first one.

    Returns:
        None if there is no marker that starts a conflict.

    Raises:
        FormatError: a marker is missing, or there are markers between those of a side. With the line.
    """
    mark = _BOM if data.startswith(_BOM) else b""
    size = size or _size(data.removeprefix(mark))
    return None if size is None else _Reader(size, mark).read(data.removeprefix(mark))


def _size(data: bytes) -> int | None:
    """The size of the first marker that has the others behind it; git's usual one if that has not."""
    sizes = dict.fromkeys(len(match[1]) for match in _OPENING.finditer(data))
    if not sizes:
        return None
    closed = {len(match[1]): match.start() for match in _CLOSING.finditer(data)}
    middles: dict[int, int] = {}
    for match in _MIDDLE.finditer(data):
        middles.setdefault(len(match[1]), match.start())
    for size in sizes:
        if middles.get(size, len(data)) < closed.get(size, -1):
            return size
    return _USUAL if _USUAL in sizes else None


_SIGNS = {b"<": "ours", b"|": "base", b"=": "theirs", b">": ""}
_FOLLOWS = {"": b"<", "ours": b"|=", "base": b"=", "theirs": b">"}


class _Reader:
    """Reads line by line; `section` is the side whose lines are read, empty between hunks."""

    def __init__(self, size: int, mark: bytes) -> None:
        self._marker = re.compile(rb"([<|=>])\1{%d}(?: ([^\r\n]*))?\r?\n?\Z" % (size - 1))
        self._longer = re.compile(rb"<{%d,}(?: |\r?\n|\Z)" % (size + 1))
        self._texts = {side: [mark] for side in ("ours", "base", "theirs")}
        self._section, self._lines, self._labels = "", [], ["", ""]  # type: ignore[var-annotated]
        self._with_base = True
        self._seen: set[str] = set()

    def read(self, data: bytes) -> Hunks | None:
        number = 0
        for number, line in enumerate(data.splitlines(keepends=True), 1):
            match = self._marker.match(line)
            if match is not None and (self._section or match[1] == b"<"):
                self._marker_line(match, number)
            else:
                self._text_line(line, number)
        if self._section:
            raise _unclear(self._lines[-1], "a conflict marker is not closed")
        if not self._lines:
            return None
        joined = {side: b"".join(lines) for side, lines in self._texts.items()}
        return Hunks(
            joined["ours"],
            joined["theirs"],
            joined["base"] if self._with_base else None,
            tuple(self._lines),
            (self._labels[0], self._labels[1]),
        )

    def _marker_line(self, match: re.Match[bytes], number: int) -> None:
        sign, label = match[1], (match[2] or b"").decode("utf-8", "replace")
        if sign not in (_FOLLOWS[self._section][i : i + 1] for i in range(len(_FOLLOWS[self._section]))):
            raise _unclear(number, "conflict markers are inside of others, or one is missing")
        if sign == b"<":
            self._lines.append(number)
            self._seen = set()
        if len(self._lines) == 1 and sign in b"<>":
            self._labels[sign == b">"] = label
        self._section = _SIGNS[sign]
        self._seen.add(self._section)
        if sign == b">" and "base" not in self._seen:
            self._with_base = False

    def _text_line(self, line: bytes, number: int) -> None:
        if not self._section:
            for text in self._texts.values():
                text.append(line)
            return
        if self._longer.match(line):
            # git writes longer markers into the base of a base, where several merges meet.
            if self._section != "base":
                raise _unclear(number, "conflict markers are inside of others")
            self._with_base = False
        self._texts[self._section].append(line)


def _unclear(line: int, message: str) -> FluxsecretsError:
    return FormatError(
        message, line=line, hint="take the file from one side with git checkout, and redo the other's change"
    )
