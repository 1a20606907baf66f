"""Binary: any bytes at all, encrypted as one value in a small JSON file, as sops does it.

The value is bytes, and its ciphertext says `type:str` (sops: stores/json/store.go, `BinaryStore`, where
a Go string holds any bytes); it is neither decoded nor matched against selectors.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence as SequenceABC
from dataclasses import dataclass, replace
from typing import ClassVar

from fluxsecrets.errors import FormatError, LimitError, MetadataError
from fluxsecrets.sops.document import Change, Data, Document, Entry, Leaf, Mapping, Style
from fluxsecrets.sops.metadata import Metadata, metadata_to_data
from fluxsecrets.sops.selectors import SelectorKind

from . import Changer, Format, Limits, StoresConfig, encode_edited, mapped
from .json import METADATA_KEY, JsonFormat, dump, indent_unit, rewrite_json
from .json_read import read_object

DATA_KEY = "data"

_JSON = JsonFormat()


@dataclass(frozen=True, slots=True)
class BinaryFormat(Format):
    """Files of any content.

    Attributes:
        indent: of an encrypted file, see `JsonFormat`.
    """

    name: ClassVar[str] = "binary"
    single_value: ClassVar[bool] = True  # its ciphertext has `type:str`, and decrypting gives bytes
    levels: ClassVar[int | None] = 1
    example: ClassVar[MappingABC[str, Data]] = {"data": "replace this text\n"}

    indent: int | None = None

    def parse(self, data: bytes, limits: Limits) -> Document:
        """Read any bytes; they are encrypted where they are JSON with `data` and a `sops` block.

        A plain file has one leaf at `("data",)` whose value is bytes. In an encrypted one it is the
        ciphertext, or an empty string where the file was empty.

        Raises:
            LimitError: too large.
            FormatError: an encrypted JSON file, which is not encrypted as a whole.
            MetadataError: the `sops` block is damaged.
        """
        if len(data) > limits.size:
            sizes = [f"{size / 2**20:.0f} MiB" for size in (len(data), limits.size)]
            raise LimitError(f"the file has {sizes[0]}, more than the limit of {sizes[1]}")
        encrypted = _parse_encrypted(data, limits)
        if encrypted is not None:
            return encrypted
        source = data.decode("latin-1")
        leaf = Leaf((DATA_KEY,), data, 0, len(source), 1)
        return Document(
            self.name, source, (Mapping((Entry(DATA_KEY, leaf, 0, 0, 1),), 0, len(source)),), None
        )

    def rewrite(self, document: Document, changes: Iterable[Change], metadata: Metadata | None) -> bytes:
        """The encrypted JSON where there is metadata, else the bytes of the value alone."""
        if document.metadata is not None and metadata is not None:
            return rewrite_json(document, changes, _block(metadata))
        changes = tuple(changes)
        leaf = next(document.leaves)
        value = changes[-1].value if changes else leaf.value
        if metadata is None:
            if document.metadata is not None and not changes and value:
                raise FormatError("the file is still encrypted")
            return _to_bytes(value)
        if not isinstance(value, str) and value != b"":
            raise FormatError("a binary file is encrypted as a whole, and this one would stay plain")
        # An empty file stays empty: sops encrypts no empty value.
        block = {DATA_KEY: "", METADATA_KEY: _block(metadata)}
        text = dump(block, "\n", indent_unit(self.indent)) + "\n"
        place = text.index('""') + 1  # the value itself is not copied about: it may be large
        return encode_edited(text, [(place, place, value if isinstance(value, str) else "")])

    def plain_text(
        self, document: Document, changes: SequenceABC[Change], values: MappingABC[int, Change]
    ) -> bytes:
        """The bytes of the value, which any reader takes as they are; see `Format.plain_text`."""
        return self.rewrite(document, changes, None)

    def read(self, data: bytes) -> list[Data]:
        """Any bytes are one value; see `Format.read`."""
        return [{DATA_KEY: data}]

    def readable(self, parts: SequenceABC[Data]) -> list[Data]:
        """What reading gives for these data: bytes; see `Format.readable`."""
        return [mapped(part, _to_bytes) for part in parts]

    def written(self, parts: SequenceABC[Data]) -> bytes:
        """The one value under `data` as it is.

        Raises:
            FormatError: the data is not one document with one text or binary value under `data`.
        """
        data = parts[0] if len(parts) == 1 else None
        if not isinstance(data, MappingABC) or set(data) != {DATA_KEY}:
            raise FormatError(
                "binary output needs exactly one value, under the key data",
                hint="extract one value, or write YAML, JSON, dotenv or INI",
            )
        return _to_bytes(data[DATA_KEY])

    def changer(self, document: Document) -> Changer:
        """Refuse: the file is changed as a whole.

        Raises:
            FormatError: always.
        """
        raise FormatError(
            f"a {self.name} file is one value, which cannot be changed in part",
            hint="change it as a whole with `fluxsecrets edit FILE`",
        )


def make(stores: StoresConfig) -> Format:
    """The format for one run."""
    return BinaryFormat(stores.json_binary_indent)


def _parse_encrypted(data: bytes, limits: Limits) -> Document | None:
    """The file as an encrypted one, or None where it is just bytes."""
    if not data.lstrip(b" \t\r\n").startswith(b"{") or f'"{METADATA_KEY}"'.encode() not in data:
        return None
    try:
        document = _JSON.parse(data, limits)
    except (FormatError, LimitError):
        return None  # any bytes are a valid plain file, even if they look like JSON
    except MetadataError:
        block = read_object(data.decode("utf-8"), limits).get(METADATA_KEY)
        if isinstance(block, Mapping) and (block.get("mac") or block.get("lastmodified")):
            raise
        return None
    if document.metadata is None:
        return None
    leaf = document.parts[0].get(DATA_KEY)
    if (
        len(document.parts[0].entries) != 1
        or not isinstance(leaf, Leaf)
        or leaf.style is not Style.DOUBLE_QUOTED
    ):
        raise FormatError(
            "the file is encrypted, but as JSON and not as a whole",
            hint="name its format with --input-type json",
        )
    if leaf.value == "":  # an empty file is not encrypted, and its value is bytes like every other's
        entry = Entry(DATA_KEY, leaf._replace(value=b""), leaf.start, leaf.end, leaf.line)
        part = document.parts[0]._replace(entries=(entry,))
        return replace(document, format="binary", parts=(part,))
    return replace(document, format="binary")


def _block(metadata: Metadata) -> dict[str, object]:
    # Without selectors, as sops writes it: one that does not match `data` would keep sops from decrypting.
    selectors = {kind.value for kind in SelectorKind}
    return {name: value for name, value in metadata_to_data(metadata).items() if name not in selectors}


def _to_bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    raise FormatError("a binary file holds text or bytes, and nothing else")
