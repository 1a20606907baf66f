"""How the bytes of an encrypted file show that it is one; nothing is parsed, decrypted or verified.

An encrypted file has a `sops` block, and in it a MAC that is a ciphertext.
"""

from __future__ import annotations

import re

from .ciphertext import FORM, SIGN_BYTES, is_whole

_CIPHERTEXT = FORM.encode()
_BLOCKS = {
    "yaml": rb"""(?m)^[ \t]*["']?sops["']?[ \t]*:""",
    "json": rb'"sops"\s*:\s*\{',
    "ini": rb"(?m)^\[sops\][ \t]*\r?$",
}
_MACS = {
    "yaml": rb"""(?:^|[\s{,])["']?mac["']?\s*:\s*(?:[|>][-+0-9]*\s*)?["']?"""
    + _CIPHERTEXT
    + rb"""(?=["']|[ \t]*(?:[\r\n#]|\Z))""",
    "json": rb'"mac"\s*:\s*"' + _CIPHERTEXT + b'"',
    "dotenv": rb"(?m)^sops_mac=" + _CIPHERTEXT + rb"[ \t]*\r?$",
    "ini": rb"(?m)^mac[ \t]*=[ \t]*\"?" + _CIPHERTEXT + rb"\"?[ \t]*\r?$",
}
_EVIDENT = {
    "yaml": rb"(?m)^sops:[ \t]*\r?$",
    "dotenv": rb"(?m)^sops_mac=",
    "ini": _BLOCKS["ini"],
}

KEY_LISTS = ("age", "pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault")
"""The lists of wrapped data keys in a `sops` block, one per kind of key in `sops.recipients.KINDS`."""

FLUX_MARKERS = {
    "binary": b'"mac": "ENC[',
    "dotenv": b"sops_mac=ENC[",
    "ini": b"[sops]",
    "json": b'"mac": "ENC[',
    "yaml": b"mac: ENC[",
}
"""By format what kustomize-controller takes a file for encrypted by (`sopsFormatToMarkerBytes`)."""


def has_marks(format_name: str, data: bytes) -> bool:
    """Whether a file has the block and the MAC of a format: `yaml`, `json`, `dotenv` or `ini`."""
    if SIGN_BYTES not in data:
        return False
    block = _BLOCKS.get(format_name)
    return (block is None or re.search(block, data) is not None) and any(
        map(is_whole, re.finditer(_MACS[format_name], data))
    )


def is_evident(format_name: str, data: bytes) -> bool:
    """Whether a file is encrypted in a format beyond doubt, by lines that only such a file has.

    JSON is never evident: sops writes encrypted binary files as JSON, too.
    """
    line = _EVIDENT.get(format_name)
    return line is not None and SIGN_BYTES in data and re.search(line, data) is not None


def flux_markers(data: bytes) -> frozenset[str]:
    """The formats whose markers Flux would find in a file."""
    return frozenset(name for name, marker in FLUX_MARKERS.items() if marker in data)
