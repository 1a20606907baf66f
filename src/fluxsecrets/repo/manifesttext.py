"""Replace objects of a manifest file, and keep comments, order, blank lines and spelling.

An object's text is split into pieces, see `pieces`, and the new object is assembled from them. The result
is parsed and compared with the wanted data. If the pieces can't produce that (flow style, exotic YAML), the
object is written from its data, and its comments move to its top.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.sops.document import Comment, Data, Document, Entry, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Limits, apply_edits, decode_text, encode_text
from fluxsecrets.sops.formats.either import parse_either
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.formats.yaml.block import render_block

from .pieces import IrregularError, PieceReader, Pieces, comments_of, emit

_MARKER = re.compile(r"^(?:---|\.\.\.)(?=[ \t\n]|\Z)[^\n]*(?:\n|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Replacement:
    """Another object in the place of one.

    Attributes:
        data: the new object.
        layout: makes its pieces of the old one's.
    """

    data: dict[str, Data] = field(repr=False)
    layout: Callable[[Pieces], Pieces]


@dataclass(frozen=True, slots=True)
class ManifestText:
    """A plain YAML or JSON file that was read to have objects replaced.

    Attributes:
        document: its parts, one a YAML document; aliases are written out.
        bom: it starts with a byte order mark.
        json: it is JSON, under whatever name.
    """

    document: Document
    newline: str
    bom: bool
    json: bool
    limits: Limits

    @property
    def parts(self) -> tuple[MapNode, ...]:
        """Its documents."""
        return self.document.parts

    def comments(self, part: int) -> tuple[Comment, ...]:
        """The comments of a document, in order."""
        return tuple(comments_of(self.parts[part]))

    def replaced(self, changes: Mapping[int, Replacement], drop: Collection[int] = ()) -> bytes:
        """The file with objects replaced.

        Args:
            changes: by the position of the document.
            drop: `start` of the comments that are left out.

        Raises:
            FormatError: it could not be done without changing anything else.
        """
        if self.json:
            text = _as_json(changes[0].data, self.document.source) if changes else self.document.source
        else:
            text = self._with_pieces(changes, drop)
        return encode_text(text.replace("\n", self.newline), bom=self.bom)

    def _with_pieces(self, changes: Mapping[int, Replacement], drop: Collection[int]) -> str:
        source = self.document.source
        chunks = _chunks(source)
        starts = [start for start, _ in chunks]
        line_starts = [0, *(match.end() for match in re.finditer("\n", source))]
        edits: list[tuple[int, int, str]] = []
        for part, change in changes.items():
            reader = PieceReader(source, line_starts, self.parts[part], drop)
            first = _first_offset(self.parts[part])
            start, end = chunks[bisect_right(starts, first) - 1]
            edits.append((start, end, self._document_text(reader, change, start, end)))
        source = apply_edits(source, edits)
        if len(chunks) == 1 and edits:
            return source  # it was compared as a document already
        expected = [
            changes[number].data if number in changes else to_data(part)
            for number, part in enumerate(self.parts)
        ]
        found = _parsed(source, self.limits)
        if found is None or [to_data(part) for part in found.parts] != expected:
            raise FormatError(
                "the objects of this file could not be replaced without changing anything else",
                hint="put each object into a file of its own, and try again",
            )
        return source

    def _document_text(self, reader: PieceReader, change: Replacement, start: int, end: int) -> str:
        step = getattr(getattr(self.document.layout, "layout", None), "step", 2)
        made: Document | None = None
        try:
            head, pieces, tail = reader.take_apart(start, end)
            made = _parsed(head + emit(change.layout(pieces), step) + tail, self.limits)
        except IrregularError:
            pass
        if made is None or [to_data(part) for part in made.parts] != [change.data]:
            made = _parsed("".join(f"{line}\n" for line in render_block(change.data, step)), self.limits)
        if made is None:
            raise FormatError(
                "an object could not be written", hint="this is a fault of fluxsecrets: report it"
            )
        lost = [comment for comment in reader.comments if comment.start not in reader.drop]
        missing = Counter(comment.text.strip() for comment in lost) - Counter(
            item.text.strip() for item in made.items if isinstance(item, Comment)
        )
        kept = "".join(f"#{comment.text}\n" for comment in lost if _take(missing, comment.text.strip()))
        return kept + made.source


def open_manifests(data: bytes, limits: Limits = Limits()) -> ManifestText:  # noqa: B008 - frozen
    """Read a plain file to replace objects in it.

    Raises:
        FormatError, LimitError: it is not YAML or JSON with maps at the top.
    """
    text, bom = decode_text(data, limits, "YAML")
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n")
    format_, document = parse_either(text.encode("utf-8"), limits)
    leaves = list(document.leaves)
    if any(leaf.alias for leaf in leaves):
        document = format_.expand_aliases(document, leaves, limits)
    return ManifestText(document, newline, bom, format_.name == "json", limits)


def _chunks(source: str) -> list[tuple[int, int]]:
    """The spans between the markers of YAML documents."""
    spans, start = [], 0
    for match in _MARKER.finditer(source):
        spans.append((start, match.start()))
        start = match.end()
    return [*spans, (start, len(source))]


def _first_offset(part: MapNode) -> int:
    return next((item.start for item in part.entries if isinstance(item, Entry)), part.start)


def _take(counter: Counter[str], text: str) -> bool:
    if counter[text] <= 0:
        return False
    counter[text] -= 1
    return True


def _parsed(text: str, limits: Limits) -> Document | None:
    try:
        return YamlFormat().parse(text.encode("utf-8"), limits)
    except FluxsecretsError:
        return None


def _as_json(data: dict[str, Data], source: str) -> str:
    """An object as JSON, indented as the one that it replaces."""
    from fluxsecrets.sops.formats.json import dump

    match = re.match(r"\s*\{\n([ \t]+)", source)
    if "\n" not in source.strip():
        return dump(data, None, "  ") + "\n" * source.endswith("\n")
    return dump(data, "\n", match[1] if match is not None else "  ") + "\n"
