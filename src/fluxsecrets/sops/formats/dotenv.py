r"""dotenv as sops knows it: one `KEY=value` a line, taken as it stands.

There is no quoting, no `export`, no trimming: `export A` and `B ` are keys, quotes and a carriage
return belong to the value, and the only escape is `\n` for a newline. A key may be there twice.
Taken from sops 3.13.2: stores/dotenv/store.go.
Unlike in sops, a message about a line never shows the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence as SequenceABC
from typing import ClassVar, cast

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import Change, Comment, Data, Document, Entry, Leaf, Mapping, Path
from fluxsecrets.sops.metadata import Metadata, metadata_to_data, parse_metadata
from fluxsecrets.sops.values import Value, scalar_text

from . import (
    Changer,
    Edit,
    Format,
    Limits,
    StoresConfig,
    decode_text,
    encode_edited,
    mapped,
    only_entry,
    with_comments_above,
)
from .flatten import escape_newlines, flatten, unflatten

PREFIX = "sops_"
"""Keys that start so are metadata, wherever they stand."""

_BOM = "\ufeff"


class DotenvFormat(Format):
    """dotenv files; every value is a string, also where a key is repeated."""

    name: ClassVar[str] = "dotenv"
    levels: ClassVar[int | None] = 1
    comment_sign: ClassVar[str] = "#"
    example: ClassVar[MappingABC[str, Data]] = {"KEY": "value"}

    def parse(self, data: bytes, limits: Limits) -> Document:
        """Read a plain or an encrypted file; see `Format.parse` for what is raised."""
        text, bom = decode_text(data, limits, "dotenv")
        source = _BOM + text if bom else text  # sops makes it part of the first key
        entries: list[Entry | Comment] = []
        runs: list[tuple[int, int]] = []
        pairs: list[tuple[str, str]] = []
        start = 0
        for number, line in enumerate(_lines(source), 1):
            end = start + len(line)
            if line.startswith("#"):
                if len(line) > 1:
                    entries.append(Comment((), line[1:], start + 1, end, number))
            elif line:
                entry = _read_line(line, start, number)
                if entry.key.startswith(PREFIX):
                    _extend(runs, start, min(end + 1, len(source)))
                    pairs.append((entry.key.removeprefix(PREFIX), line[entry.end - start + 1 :]))
                else:
                    entries.append(entry)
            start = end + 1
        metadata = parse_metadata(unflatten(pairs)) if pairs else None
        return Document(
            self.name, source, (Mapping(tuple(entries), 0, len(source)),), metadata, layout=tuple(runs)
        )

    def rewrite(self, document: Document, changes: Iterable[Change], metadata: Metadata | None) -> bytes:
        """New text with the changes applied, and the `sops_` lines added, replaced, or removed (None)."""
        edits = [(change.target.start, change.target.end, _change_text(change)) for change in changes]
        edits += _block_edits(document, metadata)
        return encode_edited(document.source, edits)

    def written(self, parts: SequenceABC[Data]) -> bytes:
        r"""Plain data as `KEY=value` lines; newlines are written as `\n`.

        Raises:
            FormatError: not exactly one map of scalars, or a key or value that a line can't hold.
        """
        if len(parts) != 1 or not isinstance(parts[0], MappingABC):
            raise FormatError("dotenv holds exactly one map", hint="write YAML or JSON")
        return "".join(
            f"{_checked_key(key)}={_checked(key, value)}\n" for key, value in parts[0].items()
        ).encode()

    def readable(self, parts: SequenceABC[Data]) -> list[Data]:
        """What reading gives for these data: all values are text; see `Format.readable`."""
        return [mapped(part, scalar_text) for part in parts]

    def spells_alike(self, leaf: Leaf, old: str, new: str) -> bool:
        r"""There are no quotes; some texts with `\n` are refused. See `Format.spells_alike`."""
        return not any("\\" in text or "\r" in text for text in (old, new))

    def changer(self, document: Document) -> Changer:
        """What changes single values of a plain document."""
        return DotenvChanger(document)


def make(_stores: StoresConfig) -> Format:
    """The format for one run."""
    return DotenvFormat()


def _lines(source: str) -> Iterator[str]:
    """The lines as `split` gives them, one at a time: a list of them would be a second copy of the file."""
    start = 0
    while (end := source.find("\n", start)) >= 0:
        yield source[start:end]
        start = end + 1
    yield source[start:]


def _read_line(line: str, start: int, number: int) -> Entry:
    key, equals, text = line.partition("=")
    if not equals:
        raise _bad_line(line, number)
    end = start + len(key)
    leaf = Leaf((key,), text.replace("\\n", "\n"), end + 1, start + len(line), number)
    return Entry(key, leaf, start, end, number)


def _bad_line(line: str, number: int) -> FormatError:
    if not line.strip():
        hint = "make the line empty: sops takes no spaces, tabs or carriage returns there"
    elif line.lstrip(f" \t{_BOM}").startswith("#"):
        hint = "start the comment in the first column"
    else:
        hint = "write KEY=value; newlines in values are written as \\n"
    return FormatError("not a dotenv line: it has no =", line=number, hint=hint)


def _change_text(change: Change) -> str:
    text = scalar_text(change.value)
    if isinstance(change.target, Comment):
        if "\n" in text:
            raise FormatError("a comment has more than one line", line=change.target.line)
        return text
    return escape_newlines(text, f"the value of {change.target.path[-1]!a}")


def _extend(runs: list[tuple[int, int]], start: int, end: int) -> None:
    """Add a line of metadata to the last run of such lines, or start one."""
    if runs and runs[-1][1] == start:
        start = runs.pop()[0]
    runs.append((start, end))


def _block_edits(document: Document, metadata: Metadata | None) -> list[tuple[int, int, str]]:
    # A file without a final line feed gets a block without one, so that removing it restores the file.
    source, runs = document.source, cast("tuple[tuple[int, int], ...]", document.layout)
    open_end = bool(source) and not source.endswith("\n")
    text = "" if metadata is None else _block_text(metadata)
    if not runs:
        return [(len(source), len(source), "\n" + text[:-1] if open_end and text else text)]
    edits = [(start, end, "") for start, end in runs]
    start, end = runs[-1]
    if open_end and end == len(source):
        if metadata is None:
            edits[-1] = (max(start - 1, 0), end, "")
        elif len(runs) == 1:
            text = text[:-1]
    edits[0] = (*edits[0][:2], text)
    return edits


def _block_text(metadata: Metadata) -> str:
    return "".join(f"{PREFIX}{name}={text}\n" for name, text in flatten(metadata_to_data(metadata)).items())


def _checked_key(key: str) -> str:
    if not key or "=" in key or "\n" in key or key.startswith(("#", PREFIX)):
        raise FormatError(f"{key!a} can't be a key in a dotenv file", hint="write YAML or JSON")
    return key


def _checked(key: str, value: Data) -> str:
    if isinstance(value, MappingABC | list):
        raise FormatError(f"dotenv holds no nested values, and {key!a} is one", hint="write YAML or JSON")
    scalar: Value = value
    return escape_newlines(scalar_text(scalar), f"the value of {key!a}")


# Changing single values


class DotenvChanger:
    """Changes dotenv text line by line."""

    def __init__(self, document: Document) -> None:
        """Take a plain document."""
        self._source = document.source
        self._entries = [entry for entry in document.parts[0].entries if isinstance(entry, Entry)]

    def setting(self, part: int, path: Path, value: Data) -> Iterator[list[Edit]]:
        """Edits that set a value, or add a line at the end.

        Raises:
            FormatError: a nested key, or one that stands twice.
        """
        key = _only_key(path)
        if not isinstance(value, str):
            raise FormatError("dotenv holds text only", hint="give a single value")
        text = escape_newlines(value, f"the value of {key!a}")
        entry = self._entry(key)
        if entry is not None:
            yield [(entry.value.start, entry.value.end, text)]
            return
        end = len(self._source)
        if not self._source or self._source.endswith("\n"):
            yield [(end, end, f"{key}={text}\n")]
        else:
            yield [(end, end, f"\n{key}={text}")]

    def removing(self, part: int, path: Path) -> Iterator[list[Edit]]:
        """Edits that remove a line and the comments above it.

        Raises:
            FormatError: a nested key, or one that stands twice.
        """
        entry = self._entry(_only_key(path))
        if entry is None:
            return
        start, end = with_comments_above(self._source, entry.start, entry.value.end, "#")
        yield [(start, end, "")]

    def _entry(self, key: str) -> Entry | None:
        return only_entry(self._entries, key, "key", "remove one of the two with `fluxsecrets edit FILE`")


def _only_key(path: Path) -> str:
    if len(path) != 1 or not isinstance(path[0], str):
        raise FormatError("dotenv has no nested keys", hint="name one key, such as TOKEN")
    return path[0]
