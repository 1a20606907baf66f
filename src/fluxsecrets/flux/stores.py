"""Plain data as sops's stores write it, for what Flux writes after it decrypted a file.

Follows `EmitPlainFile` of stores/json, stores/yaml, stores/dotenv, stores/ini (sops 3.13.2). A number or a
blank that differs would change the hash at the end of a generated Secret's name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from fluxsecrets.sops.document import Data
from fluxsecrets.sops.formats import StoresConfig, make_format
from fluxsecrets.sops.values import Timestamp, scalar_text

_INDENT = 4
# Go's encoder escapes what HTML and JavaScript would trip over.
_ESCAPED = str.maketrans({mark: f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"})


def refuses(parts: Sequence[Data], name: str) -> str | None:
    """Why a store cannot hold the documents, in sops's words, or None.

    Args:
        parts: each document.
        name: `yaml`, `json`, `dotenv` or `ini`.
    """
    if name == "dotenv":
        root = parts[0] if parts else {}
        for key, value in root.items() if isinstance(root, dict) else ():
            if isinstance(value, dict | list):
                return f"cannot use complex value in dotenv file; offending key {key}"
    if name == "ini":
        values = [value for part in parts if isinstance(part, dict) for value in part.values()]
        if any(not isinstance(value, dict) for value in values):
            section = "Section values should always be TreeBranches"
            return f"Error marshaling to INI: Error encoding section: {section}"
    return None


def emit(parts: Sequence[Data], name: str) -> bytes:
    """The documents as a store writes them.

    Raises:
        FormatError: the format cannot hold the data.
    """
    if name == "json":
        text = json.dumps(_in_json(parts[0]), indent="\t", ensure_ascii=False)
        return f"{text.translate(_ESCAPED)}\n".encode("utf-8", "surrogatepass")
    if name == "ini":
        return make_format(name).render([_flat(part) for part in parts])
    return make_format(name, StoresConfig(yaml_indent=_INDENT)).render(parts)


def _in_json(value: Data) -> object:
    if isinstance(value, dict):
        return {key: _in_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_json(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value.text if isinstance(value, Timestamp) else value


def _flat(part: Data) -> Data:
    """Sections with texts: what is nested deeper is written as Go prints it."""
    if not isinstance(part, dict):
        return part
    return {
        name: {key: _shown(value) for key, value in section.items()} if isinstance(section, dict) else section
        for name, section in part.items()
    }


def _shown(value: Data) -> str:
    """As `ValToString` of stores/stores.go, which prints a map as a list of its pairs."""
    if isinstance(value, dict):
        return f"[{' '.join(f'{{{key} {_shown(item)}}}' for key, item in value.items())}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_shown, value))}]"
    return scalar_text(value)
