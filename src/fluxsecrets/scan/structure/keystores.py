"""key-store: binary files that hold private keys, told by how they begin.

A password protects most of them, which is often the one of the manual, and anyone who has the file can try
others. What holds certificates only is left alone, where the format shows that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.match import Match, Rank

RULE = RuleInfo(
    id="key-store",
    title="key store",
    severity=Severity.HIGH,
    explanation=(
        "A file with private keys or passwords in binary form: PKCS#12, a Java key store, KeePass, a DER or "
        "GnuPG key. A password is all that protects it, or nothing."
    ),
    fix="Take it out of the repository, and make new keys if it was ever pushed.",
    docs="scan.md#key-store",
)
_HINT = "take it out of the repository; if it was pushed, make new keys"
_LENGTH = rb"(?:[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....|\x80)"
_SEQUENCE = rb"\x30" + _LENGTH
# The version 3, and the type of what is inside: data.
_PKCS12 = (
    rb"(?s)"
    + _SEQUENCE
    + rb"\x02\x01\x03"
    + _SEQUENCE
    + rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07[\x01\x02]"
)
_KEY_BAGS = (b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01", b"\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02")
# PKCS#8 with its algorithm and key, RSA's own form with a modulus and an exponent, that of elliptic curves.
_PKCS8 = rb"(?s)" + _SEQUENCE + rb"\x02\x01[\x00\x01]" + _SEQUENCE + rb"\x06[\x03-\x0b].{3,40}?\x04" + _LENGTH
_RSA = (
    rb"(?s)"
    + _SEQUENCE
    + rb"\x02\x01\x00\x02(?:\x81.|\x82..).{64,1100}?\x02\x03\x01\x00\x01\x02(?:\x81.|\x82..)"
)
_EC = rb"(?s)" + _SEQUENCE + rb"\x02\x01\x01\x04[\x14-\x48].{20,72}?\xa0.\x06"
_KEEPASS = (b"\x67\xfb\x4b\xb5", b"\x66\xfb\x4b\xb5", b"\x65\xfb\x4b\xb5")


class Store(NamedTuple):
    """A kind of store: what it is, and whether it holds keys (None if that cannot be told)."""

    title: str
    holds: Callable[[bytes], bool | None]


def judge(blob: Blob) -> Iterator[Match]:
    """The store that a file is."""
    for store in _STORES:
        holds = store.holds(blob.data)
        if holds is False:
            continue
        message = f"{store.title} is in the repository"
        confidence = Confidence.HIGH if holds else Confidence.LOW
        yield Match(RULE, Rank.PLACE, 0, 1, message, _HINT, confidence=confidence, value=blob.data)
        return


def _pkcs12(data: bytes) -> bool | None:
    if re.match(_PKCS12, data) is None:
        return False
    # Without a key in sight, all may be encrypted together; stores of trusted certificates are like that.
    return True if any(bag in data for bag in _KEY_BAGS) else None


def _java(data: bytes) -> bool:
    """Whether one of the entries is a key; certificates are not."""
    if data[:4] not in (b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce") or data[4:8] not in (
        b"\0\0\0\1",
        b"\0\0\0\2",
    ):
        return False
    at = 12
    for _ in range(min(_number(data, 8, 4), 10_000)):
        kind, name = _number(data, at, 4), _number(data, at + 4, 2)
        if kind != 2:
            return kind in (1, 3)
        at += 14 + name  # with its date
        at += 2 + _number(data, at, 2)
        at += 4 + _number(data, at, 4)
        if at >= len(data):
            return False
    return False


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")


def _keepass(data: bytes) -> bool:
    return data[:4] == b"\x03\xd9\xa2\x9a" and data[4:8] in _KEEPASS


def _der(data: bytes) -> bool:
    return any(re.match(form, data) is not None for form in (_PKCS8, _RSA, _EC))


def _gnupg(data: bytes) -> bool:
    return data.startswith((b"(11:private-key(", b"(21:protected-private-key("))


_STORES = (
    Store("a PKCS#12 key store", _pkcs12),
    Store("a Java key store", _java),
    Store("a KeePass database", _keepass),
    Store("a private key in DER", _der),
    Store("a private key of GnuPG", _gnupg),
)
