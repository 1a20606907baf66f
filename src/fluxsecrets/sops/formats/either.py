"""Manifests in YAML or JSON, told apart by their content: JSON is read as JSON, whatever the file is called.

YAML readers do not read all JSON. In quotes they take U+0085 for a line break, which becomes a blank; they
refuse U+007F and escaped surrogate pairs, which JSON allows. kubectl and kubeseal choose in the same way:
text that starts with a bracket is tried as JSON, then as YAML (apimachinery: util/yaml/decoder.go,
`YAMLOrJSONDecoder`).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import Document, Node

from . import Format, Limits, decode_text
from .yaml import YamlFormat, load_documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Made = TypeVar("Made")

_BLANKS = " \t\r\n"
_SURELY_JSON = r'[ \t\r\n]*\{[ \t\r\n]*["}]'


def load_either(data: bytes, limits: Limits = Limits()) -> tuple[Node, ...]:  # noqa: B008 - frozen
    """Read the documents of any YAML or JSON, for callers that only look; see `yaml.load_documents`.

    Raises:
        FormatError: neither; duplicate or non-string keys.
        LimitError: too large, too deep, too much expansion.
    """
    text, _ = decode_text(data, limits, "YAML")

    def as_json() -> tuple[Node, ...]:
        from .json_read import read_node  # few files are JSON

        return (read_node(text, limits),)

    return _either(text, as_json, lambda: load_documents(data, limits))


def parse_either(data: bytes, limits: Limits) -> tuple[Format, Document]:
    """Parse a file of manifests, and return its format too.

    Args:
        data: the file. JSON loses its byte order mark, which JSON does not allow.
        limits: for reading it.

    Raises:
        FormatError, MetadataError: neither, or without a map at the root; see `Format.parse`.
        LimitError: too large, too deep, too much expansion.
    """
    text, bom = decode_text(data, limits, "YAML")

    def as_json() -> tuple[Format, Document]:
        from .json import JsonFormat  # few files are JSON

        format_ = JsonFormat()
        return format_, format_.parse(text.encode("utf-8") if bom else data, limits)

    def as_yaml() -> tuple[Format, Document]:
        format_ = YamlFormat()
        return format_, format_.parse(data, limits)

    return _either(text, as_json, as_yaml)


def _either(text: str, as_json: Callable[[], Made], as_yaml: Callable[[], Made]) -> Made:
    if not text.lstrip(_BLANKS).startswith(("{", "[")):
        return as_yaml()
    try:
        return as_json()
    except FormatError as error:
        refusal = error
    try:
        return as_yaml()
    except FormatError as error:
        raise (refusal if re.match(_SURELY_JSON, text) else error) from None
