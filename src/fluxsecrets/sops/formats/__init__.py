"""One file a format, one protocol, one table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from fluxsecrets.sops.document import Change, Data, Document
from fluxsecrets.sops.metadata import Metadata


class Limits(NamedTuple):
    """What input may cost.

    Attributes:
        size: bytes in a file.
        depth: levels of nesting.
        expansion: values that YAML aliases may stand for, all together.
    """

    size: int = 16 * 2**20
    depth: int = 200
    expansion: int = 100_000


class StoresConfig(NamedTuple):
    """How rewritten files are indented, in spaces; None where the configuration leaves it to the tool."""

    yaml_indent: int | None = None
    json_indent: int | None = None
    json_binary_indent: int | None = None


_BY_SUFFIX = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".env": "dotenv", ".ini": "ini"}


def format_for_path(path: str) -> str:
    """The name of the format that sops and Flux take a file for; what has no known suffix is binary.

    Upper and lower case differ, as in sops (cmd/sops/formats/formats.go).
    """
    return next((name for suffix, name in _BY_SUFFIX.items() if path.endswith(suffix)), "binary")


_EVIDENT = {
    "yaml": rb"(?m)^sops:[ \t]*\r?$",
    "dotenv": rb"(?m)^sops_mac=ENC\[AES256_GCM,",
    "ini": rb"(?m)^\[sops\][ \t]*\r?$",
}
"""Lines that only an encrypted file of the format has; a JSON file may be an encrypted binary one as well."""


def evident_format(path: str, data: bytes) -> str | None:
    """The format that a file's name says, where it is encrypted in that format beyond doubt; else None."""
    name = format_for_path(path)
    mark = _EVIDENT.get(name)
    return name if mark is not None and b"ENC[AES256_GCM," in data and re.search(mark, data) else None


class Format(Protocol):
    """How one file format is read and rewritten.

    Both directions are pure. `rewrite` changes only the text of the changed values and the `sops`
    block: every other character of the source stays where it is.
    """

    @property
    def name(self) -> str:
        """Its key in the table of formats."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of the files that have it."""

    @property
    def single_value(self) -> bool:
        """The whole file is one value: selectors do not apply, and the value is bytes."""

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
