"""The file formats: one protocol, and one table. A new format is a line in `FORMATS` and a module beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import ClassVar, NamedTuple, Protocol, cast

from fluxsecrets.errors import UsageError
from fluxsecrets.marks import is_evident
from fluxsecrets.sops.document import Change, Data, Document, Leaf, Path
from fluxsecrets.sops.metadata import Metadata


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
    return cast("Format", import_module(f".{name}", __name__).make(stores))


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

    def rewrite(self, document: Document, changes: Sequence[Change], metadata: Metadata | None) -> bytes:
        """New text with the changes applied, and the `sops` block added, replaced, or removed (None)."""

    def render(self, parts: Sequence[Data]) -> bytes:
        """Plain data written in this format, for `--output-type`.

        Raises:
            FormatError: the format can't hold the data, such as a nested map in dotenv.
        """

    def changer(self, document: Document) -> Changer:
        """What changes single values of a plain document.

        Raises:
            FormatError: the format holds one value only.
        """

    def expand_aliases(self, document: Document, encrypted: Sequence[Leaf], limits: Limits) -> Document:
        """The plain document with aliases written out where they or their anchors get encrypted.

        Args:
            document: plain.
            encrypted: the leaves that are going to be encrypted.
            limits: as for `parse`.

        Returns:
            The document itself where every alias may stay, as in formats without aliases.
        """
        return document
