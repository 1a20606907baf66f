"""The file formats: one protocol, and one table. A new format is a line in `FORMATS` and a module beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from io import BytesIO

from fluxsecrets.errors import FluxsecretsError, FormatError, LimitError, UsageError
from fluxsecrets.marks import is_evident
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import replace
from fluxsecrets.sops.comparison import comments_of, same_data, same_trees
from fluxsecrets.sops.document import Change, Comment, Data, Document, Entry, Leaf, Path, to_data
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar, Protocol

    from fluxsecrets.sops.beside import Beside
else:
    Protocol = object  # that of `typing` is for the type checker alone


class Limits(NamedTuple):
    """Limits of what input may cost.

    Attributes:
        size: bytes in a file.
        depth: levels of nesting.
        expansion: values that all YAML aliases together may expand to.
    """

    size: int = 16 * 2**20
    depth: int = 200
    expansion: int = 100_000


class StoresConfig(NamedTuple):
    """How rewritten files are indented, in spaces; None for the tool's default."""

    yaml_indent: int | None = None
    json_indent: int | None = None
    json_binary_indent: int | None = None


FORMATS: Mapping[str, tuple[str, ...]] = {
    "yaml": (".yaml", ".yml"),
    "json": (".json",),
    "dotenv": (".env",),
    "ini": (".ini",),
    "binary": (),
}
"""Each format's suffixes. The module of the same name has `make`, and is imported when first used."""


def make_format(name: str, stores: StoresConfig = StoresConfig()) -> Format:  # noqa: B008 - frozen
    """Make a format by its name.

    Raises:
        UsageError: no format has that name.
    """
    if name not in FORMATS:
        raise UsageError(f"there is no format {name!a}", hint=f"the formats are {', '.join(FORMATS)}")
    made: Format = import_module(f".{name}", __name__).make(stores)
    return made


def tree_format(name: str) -> Format:
    """Make the format in which to print a map or list of a file: the file's own if it nests, else JSON."""
    format_ = make_format(name)
    return format_ if format_.levels is None else make_format("json")


def format_for_path(path: str) -> str:
    """Name the format that sops and Flux take a file for; a file without a known suffix is binary.

    Case matters, as in sops (cmd/sops/formats/formats.go).
    """
    return next((name for name, suffixes in FORMATS.items() if path.endswith(suffixes)), "binary")


def evident_format(path: str, data: bytes) -> str | None:
    """The format that a file's name says, where it is encrypted in that format beyond doubt; else None."""
    name = format_for_path(path)
    return name if is_evident(name, data) else None


Edit = tuple[int, int, str]
"""What replaces the text between two offsets, in characters of the document's source."""


class Changer(Protocol):
    """Changes single values in one format's text; `changing` tries the edits and keeps one that holds."""

    def setting(self, part: int, path: Path, value: Data) -> Iterator[list[Edit]]:
        """Edits that set a value, each list a way to do it; adds what is missing on the path."""

    def removing(self, part: int, path: Path) -> Iterator[list[Edit]]:
        """Edits that remove a key or a list item with the comments that are its own."""


class Format(Protocol):
    """How one file format is read and rewritten.

    Both directions are pure. `rewrite` changes only the text of the changed values and the `sops`
    block: every other character of the source stays where it is.

    Attributes:
        name: its key in the table of formats.
        single_value: the whole file is one value: selectors do not apply, and the value is bytes.
        levels: how many keys lead to a value; None where maps and lists nest, and values have types.
        many_documents: a file may hold several documents.
        comment_sign: what starts a comment; empty where the format has none.
        example: data for a new file to start with.
    """

    name: ClassVar[str]
    single_value: ClassVar[bool] = False
    levels: ClassVar[int | None] = None
    many_documents: ClassVar[bool] = False
    comment_sign: ClassVar[str] = ""
    example: ClassVar[Mapping[str, Data]]

    def parse(self, data: bytes, limits: Limits) -> Document:
        """Read a plain or an encrypted file.

        Raises:
            FormatError: with line and column, and without any of the file's values.
            LimitError: too large, too deep, too much expansion.
            MetadataError: there is a `sops` block, but it is not one.
        """

    def read_beside(self, data: bytes, limits: Limits, plain: Document) -> Beside | None:
        """What stands in a text that was just written, if it has the form of what it was made of.

        Args:
            data: the text, encrypted.
            limits: as for `parse`.
            plain: what it should hold; places in it do not count.

        Returns:
            None if it has another form, or if only `read_again` can tell.
        """
        return None

    def read_again(self, data: bytes, limits: Limits, known: Iterable[tuple[Path, Value]]) -> Document:
        """What `parse` gives, without text, layout and places: enough to compare it with what it was made of.

        Args:
            data: a text that was just written.
            limits: as for `parse`.
            known: paths and values that it should hold, in order; see `sops.known`.
        """
        return replace(self.parse(data, limits), source="", layout=None)

    def rewrite(self, document: Document, changes: Iterable[Change], metadata: Metadata | None) -> bytes:
        """New text with the changes applied, and the `sops` block added, replaced, or removed (None)."""

    def render(self, parts: Sequence[Data]) -> bytes:
        """Plain data written in this format, for `--output-type`, and read again.

        Raises:
            FormatError: the format can't hold the data, such as a nested map in dotenv; or what was written
                did not pass its check.
        """
        return self.checked(self.written(parts), self.readable(parts))

    def written(self, parts: Sequence[Data]) -> bytes:
        """Plain data written in this format; what `render` checks.

        Raises:
            FormatError: the format can't hold the data.
        """

    def read(self, data: bytes) -> list[Data]:
        """What plain text holds, one item for each document. Its root may be a list or a single value.

        Raises:
            FormatError, LimitError: the text can't be parsed.
        """
        return [to_data(part) for part in self.parse(data, Limits(size=len(data))).parts]

    def readable(self, parts: Sequence[Data]) -> list[Data]:
        """What reading gives for data that was written: the values with the types that the format has."""
        return list(parts)

    def checked(self, data: bytes, expected: Sequence[Data]) -> bytes:
        """Text that was written, after it was read again.

        Raises:
            FormatError: it holds other data; the error contains no value.
        """
        with suppress(FluxsecretsError):
            if same_data(self.read(data), list(expected)):
                return data
        raise not_checked("written")

    def plain_text(
        self, document: Document, changes: Sequence[Change], values: Mapping[int, Change]
    ) -> bytes:
        """The text of an opened document with its values, without its `sops` block, and read again.

        Args:
            document: encrypted.
            changes: its values and comments.
            values: those that are reached through aliases as well, by the identity of their targets.

        Raises:
            FormatError: the text holds other data or comments; the error contains no value.
        """
        data = self.rewrite(document, changes, None)
        try:
            known = ((leaf.path, _changed(leaf, values)) for leaf in document.leaves)
            found = self.read_again(data, Limits(size=len(data)), known)
        except FluxsecretsError:
            raise not_checked("decrypted") from None
        same = found.metadata is None and same_trees(document, found, values)
        if not same or comments_of(document, values) != comments_of(found):
            raise not_checked("decrypted")
        return data

    def spells_alike(self, leaf: Leaf, old: str, new: str) -> bool:
        """Whether `set_value` writes a text in the place of another in the style that its ciphertext has.

        So the new text's ciphertext has that style, too, and nothing around it changes. False if in doubt.

        Args:
            leaf: the ciphertext.
            old: the text that it is of.
            new: the other text.
        """
        return False

    def changer(self, document: Document) -> Changer:
        """What changes single values of a plain document.

        Raises:
            FormatError: the format holds one value only.
        """

    def laid_out_like(self, document: Document, previous: Document) -> Document:
        """The plain document, whose `sops` block gets the layout that it has in a previous version.

        Args:
            document: plain.
            previous: the encrypted document from which it was made.

        Returns:
            The document itself in formats in which the block has one layout only.
        """
        return document

    def may_have_aliases(self, document: Document) -> bool:
        """Whether `expand_aliases` may have something to do."""
        return False

    def expand_aliases(
        self, document: Document, encrypted: Sequence[Leaf | Comment], limits: Limits
    ) -> Document:
        """The plain document with aliases written out where they or their anchors get encrypted.

        Args:
            document: plain.
            encrypted: the values and comments that are going to be encrypted.
            limits: as for `parse`.

        Returns:
            The document itself where every alias may stay, as in formats without aliases.
        """
        return document


def _changed(leaf: Leaf, values: Mapping[int, Change]) -> Value:
    change = values.get(id(leaf))
    return leaf.value if change is None else change.value


def not_checked(what: str) -> FormatError:
    """The error for text that does not hold what it should; `what` says which text."""
    return FormatError(
        f"the {what} text did not pass its own check, so it is not returned",
        hint="this is a bug in fluxsecrets: please report it with the file's structure, without its values",
    )


def mapped(data: Data, convert: Callable[[Value], Value]) -> Data:
    """Plain data with each value converted."""
    if isinstance(data, dict):
        return {key: mapped(value, convert) for key, value in data.items()}
    if isinstance(data, list):
        return [mapped(value, convert) for value in data]
    return convert(data)


def bytes_as_text(value: Value) -> Value:
    """Bytes as text where they are UTF-8: no format but binary tells them apart."""
    if isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            return value.decode("utf-8")
    return value


_PIECE = 2**16
_FEW = 2**12
_BOM = b"\xef\xbb\xbf"


def decode_text(data: bytes, limits: Limits, name: str) -> tuple[str, bool]:
    """Decode UTF-8, and say whether a byte order mark stood in front.

    Args:
        data: the whole file.
        limits: its size is checked.
        name: of the format, for messages.

    Raises:
        LimitError: too large.
        FormatError: not UTF-8 text; the message shows no content.
    """
    if len(data) > limits.size:
        raise LimitError(
            f"the file has {len(data) / 2**20:.0f} MiB, more than the limit of {limits.size / 2**20:.0f} MiB"
        )
    bom = data.startswith(_BOM)
    try:
        return data[len(_BOM) if bom else 0 :].decode("utf-8"), bom
    except UnicodeDecodeError as error:
        position = error.start + (len(_BOM) if bom else 0)
    # Outside of the handler: the decoder's error holds the whole file.
    raise FormatError(
        f"not {name}: byte {position} is not valid UTF-8",
        line=data.count(b"\n", 0, position) + 1,
        hint="save the file as UTF-8, or give its real format with --input-type binary",
    )


def encode_text(text: str, *, bom: bool) -> bytes:
    """The reverse of `decode_text`."""
    return (_BOM if bom else b"") + text.encode("utf-8")


def apply_edits(source: str, edits: list[tuple[int, int, str]]) -> str:
    """Replace spans of a text.

    Args:
        source: the text.
        edits: (start, end, new text) in characters of `source`; they do not overlap.
    """
    pieces: list[str] = []
    position = 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        pieces.append(source[position:start])
        pieces.append(new)
        position = end
    pieces.append(source[position:])
    return "".join(pieces)


def encode_edited(source: str, edits: list[tuple[int, int, str]], *, bom: bool = False) -> bytes:
    """The bytes of a text with spans of it replaced, as `apply_edits` and `encode_text` make them.

    Piece by piece, so that no large value is there as text and as bytes, and again joined with the others.

    Args:
        source: the text.
        edits: as for `apply_edits`; used up.
        bom: put a byte order mark in front.
    """
    edits.sort(key=lambda edit: edit[:2])
    edits.reverse()
    size = len(source) + sum(len(new) + start - end for start, end, new in edits)
    return _encoded(source, _used_up(edits), size, bom=bom)


def _used_up(edits: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    while edits:
        yield edits.pop()


def encode_in_order(source: str, edits: Iterable[tuple[int, int, str]], *, bom: bool = False) -> bytes:
    """The same for edits in the order of the text, which may be made one at a time.

    Raises:
        FormatError: they are not in order.
    """
    return _encoded(source, _in_order(edits), len(source) + _FEW, bom=bom)


def _in_order(edits: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    position = 0
    for edit in edits:
        if edit[0] < position:
            raise not_checked("written")
        position = edit[1]
        yield edit


def _encoded(source: str, edits: Iterable[tuple[int, int, str]], size: int, *, bom: bool) -> bytes:
    result = BytesIO()
    write = result.write
    if size > _PIECE:
        # As much as the text will probably take, at once. A large buffer that grows moves, and memory keeps
        # a hole of the same size in each of its former places.
        result.seek(size - 1)
        write(b"\0")
        result.seek(0)
    if bom:
        write(_BOM)
    position = 0
    for start, end, new in edits:
        for place in range(position, start, _PIECE):
            write(source[place : min(start, place + _PIECE)].encode())
        for place in range(0, len(new), _PIECE):
            write(new[place : place + _PIECE].encode())
        position = end
    for place in range(position, len(source), _PIECE):
        write(source[place : place + _PIECE].encode())
    result.truncate()
    return result.getvalue()


def with_comments_above(
    source: str, start: int, end: int, signs: str, *, top: bool = False
) -> tuple[int, int]:
    """The span of whole lines that hold a piece of text, with the comment lines right above it.

    Comments that start the file are left out by default: they are more likely about the file than about
    its first entry.

    Args:
        source: the text.
        start: of the piece, in characters.
        end: of the piece.
        signs: each of them starts a comment.
        top: take comments that start the file as well.

    Returns:
        The span with its last line's break. At the end of a file without a final line break it is the
        break in front of the span that belongs to it instead.
    """
    first = line_start(source, start)
    above = first
    while above > 0:
        previous = line_start(source, above - 1)
        if source[previous:above].strip()[:1] not in tuple(signs):
            break
        above = previous
    start = above if above > 0 or top else first
    end = line_end(source, end)
    if end < len(source):
        return start, end + 1
    if not source.endswith("\n", 0, end) and start:
        return start - (2 if source.endswith("\r\n", 0, start) else 1), end
    return start, end


def only_entry(entries: Iterable[Entry], key: str | int, what: str, hint: str) -> Entry | None:
    """The entry of a key, or None.

    Args:
        entries: of a map in which the text may repeat a key.
        key: its key.
        what: names the entry in messages, such as `key`.
        hint: what to do where there are several.

    Raises:
        FormatError: there are several.
    """
    found = [entry for entry in entries if entry.key == key]
    if len(found) > 1:
        raise FormatError(
            f"the {what} {key!a} is in the file twice, so the choice is not clear",
            line=found[1].line,
            hint=hint,
        )
    return found[0] if found else None


def line_start(source: str, offset: int) -> int:
    """Where the line that holds `offset` starts."""
    return source.rfind("\n", 0, offset) + 1


def line_end(source: str, offset: int) -> int:
    """Where the line that holds `offset` ends, in front of its line feed."""
    end = source.find("\n", offset)
    return len(source) if end < 0 else end


def newline_of(source: str) -> str:
    """The line break that a text uses."""
    return "\r\n" if "\r\n" in source else "\n"
