"""Whether a file is encrypted, by the marks that sops leaves; nothing is decrypted or verified."""

from __future__ import annotations

import re

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.formats import format_for_path

from .manifests import child, read_documents, searchable, text_of

_MARK = b"ENC[AES256_GCM,"
_YAML_BLOCK = re.compile(rb"""^[ \t]*["']?sops["']?[ \t]*:""", re.MULTILINE)
_YAML_MAC = re.compile(rb"""(?:^|[\s{,])["']?mac["']?\s*:\s*(?:[|>][-+0-9]*\s*)?["']?ENC\[AES256_GCM,""")
_JSON_BLOCK = re.compile(rb'"sops"\s*:\s*\{')
_JSON_MAC = re.compile(rb'"mac"\s*:\s*"ENC\[AES256_GCM,')
_DOTENV_MAC = re.compile(rb"^sops_mac=ENC\[AES256_GCM,", re.MULTILINE)
_DOTENV = re.compile(rb"(?:\s*(?:#.*)?\n|[^=\s`]+[^=\n`]*=.*\n)*")
_INI_BLOCK = re.compile(rb"^\[sops\][ \t]*\r?$", re.MULTILINE)
_INI_MAC = re.compile(rb"^mac[ \t]*=[ \t]*\"?ENC\[AES256_GCM,", re.MULTILINE)


def detect_encryption(data: bytes, path: str) -> str | None:
    """The format in which a file is encrypted, or None where it is not.

    The name says which marks to look for. Under a name that says nothing, the whole file has to look
    like the format, so that a guide that shows an encrypted file is not taken for one.

    Args:
        data: the content, or of a long JSON file its start and end.
        path: its name.
    """
    if _MARK not in data:
        data = searchable(data)
        if _MARK not in data:
            return None
    name = format_for_path(path)
    if (
        (name == "yaml" and (_is_yaml(data) or _is_json(data)))
        or (name == "json" and _is_json(data))
        or (name == "dotenv" and _DOTENV_MAC.search(data))
        or (name == "ini" and _is_ini(data))
    ):
        return name
    # `--input-type` lets anything stand under any name
    return _detect_by_content(data)


def _detect_by_content(data: bytes) -> str | None:
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "binary" if _is_json(text) else None
    if _DOTENV_MAC.search(text) and _DOTENV.fullmatch(text.rstrip() + b"\n"):
        return "dotenv"
    if (
        text.startswith((b"[", b";", b"#"))
        and b"```" not in text
        and _INI_BLOCK.search(text)
        and _INI_MAC.search(text)
    ):
        return "ini"
    return "yaml" if _is_yaml(text) and _parses_as_encrypted_yaml(text) else None


def _is_json(data: bytes) -> bool:
    return _JSON_BLOCK.search(data) is not None and _JSON_MAC.search(data) is not None


def _is_yaml(data: bytes) -> bool:
    return _YAML_BLOCK.search(data) is not None and _YAML_MAC.search(data) is not None


def _is_ini(data: bytes) -> bool:
    return _INI_BLOCK.search(data) is not None and _INI_MAC.search(data) is not None


def _parses_as_encrypted_yaml(data: bytes) -> bool:
    """Guides show encrypted YAML too, but are no YAML with that block at the top."""
    try:
        documents = read_documents(data, "")
    except FluxsecretsError:
        return False
    return any(text_of(child(node, "sops", "mac")) for node in documents)
