"""Ciphertexts of other tools, by their structure: they hide what they hold, and are not secrets.

A prefix is not enough: anyone can put one before a password.
"""

from __future__ import annotations

import re
from base64 import b64decode

from .wholetext import any_of, is_whole

_FORMS = any_of(
    r"\$ANSIBLE_VAULT;1\.[12];AES256(?:;[\w.-]+)?\s+[0-9a-f\s]{200}[0-9a-f\s]*",
    r"-----BEGIN PGP MESSAGE-----[A-Za-z0-9+/=\s:.()-]+-----END PGP MESSAGE-----",
    r"ENC\[PKCS7,MII[A-Za-z0-9+/\s]{300}[A-Za-z0-9+/=\s]*\]",  # hiera-eyaml
    r"-----BEGIN AGE ENCRYPTED FILE-----[A-Za-z0-9+/=\s]+-----END AGE ENCRYPTED FILE-----",
)
_SPRING = r"\{cipher\}(?:\{key:[\w.-]+\})?(?:[0-9a-f]{64}(?:[0-9a-f]{32})*|[A-Za-z0-9+/]{128,}={0,2})"
"""Of Spring's configuration server: AES with a start value, or RSA."""
_PACKED = r"[A-Za-z0-9+/]+={0,2}"
_SHORTEST = 120
"""Characters; PGP and Ansible Vault need more for a single recipient."""

_GIT_CRYPT, _AGE = b"\0GITCRYPT\0", b"age-encryption.org/v1\n-> "
_SAMPLE = 4096
"""Bytes at the end of a file that have to look like ciphertext: half of the bytes of one are not ASCII."""

_PGP_STARTS = (b"\x84", b"\x85", b"\xc1")

_ENCRYPTED = rb"\bencrypted[\"']?\s*:\s*\{[^{}]*\Z"
_NEAR = 2**12
"""Bytes before a value in which its object may start."""

_RSA_SIZES = (256, 384, 512)


def is_other_ciphertext(text: str) -> bool:
    """Whether a value is a message of PGP (armored or not), age, Ansible Vault or Spring, as a whole."""
    stripped = text.strip()
    if stripped.startswith("{cipher}"):
        return re.fullmatch(_SPRING, stripped) is not None
    if len(stripped) < _SHORTEST:
        return False
    if stripped.startswith(("$ANSIBLE_VAULT;", "-----BEGIN ", "ENC[PKCS7,")):
        return is_whole(_FORMS, stripped)
    data = _unpacked(stripped)
    return data is not None and _is_pgp_message(data)


def is_encrypted_file(data: bytes) -> bool:
    """Whether a file as a whole is what git-crypt, age, PGP or Ansible Vault made."""
    if data.startswith((_GIT_CRYPT, _AGE)):
        sample = data[-_SAMPLE:]
        return sum(byte >= 0x80 for byte in sample) * 5 > len(sample)
    if data.startswith((b"$ANSIBLE_VAULT;", b"-----BEGIN ")):
        return is_other_ciphertext(data.decode("latin-1"))
    return data[:1] in _PGP_STARTS and _is_pgp_message(data)


def is_rsa_ciphertext(text: str) -> bool:
    """Whether a value has just the length that RSA makes, in base64; only its place makes it one."""
    data = _unpacked(text.strip())
    return data is not None and len(data) in _RSA_SIZES


def is_for_renovate(data: bytes, start: int, text: str) -> bool:
    """Whether a value stands in an `encrypted` object, and has the length that RSA makes; also in JSON5."""
    if not is_rsa_ciphertext(text):
        return False
    return re.search(_ENCRYPTED, data[max(0, start - _NEAR) : start]) is not None


def _unpacked(text: str) -> bytes | None:
    if re.fullmatch(_PACKED, text) is None:
        return None
    try:
        return b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None


def _is_pgp_message(data: bytes) -> bool:
    """Whether bytes are session keys of version 3 and then encrypted data, to the last byte (RFC 9580)."""
    at = keys = 0
    while at < len(data):
        packet = _packet(data, at)
        if packet is None:
            return False
        tag, start, end = packet
        if tag == 1 and end - start > 10 and data[start] == 3:
            keys += 1
        elif tag in (9, 18, 20):
            return keys > 0 and end == len(data)
        else:
            return False
        at = end
    return False


def _packet(data: bytes, at: int) -> tuple[int, int, int] | None:
    """The tag of a packet, and where its body starts and ends."""
    if at + 2 > len(data) or not data[at] & 0x80:
        return None
    first, size = data[at + 1], data[at + 2 : at + 6]
    if data[at] & 0x40:
        tag = data[at] & 0x3F
        if first < 192:
            start, length = at + 2, first
        elif first < 224 and size:
            start, length = at + 3, (first - 192 << 8) + size[0] + 192
        elif first == 255:
            start, length = at + 6, int.from_bytes(size, "big")
        else:
            return None
    else:
        tag, width = data[at] >> 2 & 0x0F, (1, 2, 4, 0)[data[at] & 3]
        if not width:
            return None
        start, length = at + 1 + width, int.from_bytes(data[at + 1 : at + 1 + width], "big")
    return (tag, start, start + length) if start + length <= len(data) else None
