"""Whether a file is encrypted, by its name and its bytes."""

from __future__ import annotations

import re

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import (
    SIGN_BYTES,
    has_marks,
    is_ciphertext,
)
from fluxsecrets.sops.formats import format_for_path

from .manifests import child, read_documents, searchable, text_of

_DOTENV = rb"(?:\s*(?:#.*)?\n|[^=\s`]+[^=\n`]*=.*\n)*"


def detect_encryption(data: bytes, path: str) -> str | None:
    """The format in which a file is encrypted, or None if it is not.

    The name says which marks to look for. If it does not, the whole file must look like the format, so that a
    guide with an encrypted file in it does not count as one.

    Args:
        data: the content, or of a long JSON file its start and end.
        path: its name.
    """
    if SIGN_BYTES not in data:
        data = searchable(data)
        if SIGN_BYTES not in data:
            return None
    name = format_for_path(path)
    if name != "binary" and (has_marks(name, data) or (name == "yaml" and has_marks("json", data))):
        return name
    # `--input-type` lets anything stand under any name
    return _detect_by_content(data)


def _detect_by_content(data: bytes) -> str | None:
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "binary" if has_marks("json", text) else None
    if has_marks("dotenv", text) and re.fullmatch(_DOTENV, text.rstrip() + b"\n"):
        return "dotenv"
    if text.startswith((b"[", b";", b"#")) and b"```" not in text and has_marks("ini", text):
        return "ini"
    return "yaml" if has_marks("yaml", text) and _parses_as_encrypted_yaml(text) else None


def _parses_as_encrypted_yaml(data: bytes) -> bool:
    """Guides show encrypted YAML too, but are not YAML with that block at the top."""
    try:
        documents = read_documents(data, "")
    except FluxsecretsError:
        return False
    return any(is_ciphertext(text_of(child(node, "sops", "mac"))) for node in documents)
