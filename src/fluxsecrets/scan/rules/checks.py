"""Checks of a token's own structure: checksums, and what is inside.

Each takes the secret alone and says True (it holds), False (it does not, so it is probably made up) or
None (this format has nothing to check). None of them raises, whatever the bytes.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib

_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BETWEEN_LINES = (
    rb"""\\+[rnt]|\\+u000[aAdD]|%0[aAdD]|%20|&#x?0?[0-9aAdD]{1,2};|<br ?/?>|[\s\\"'`,*#>|;()&-]"""
    rb"""|(?<![0-9A-Za-z+/=])(?://|\+)(?=[ \t])|(?<=[ \t"'])\+(?=\s)"""
)
_OTHER_LABEL = rb"BEGIN (?!(?:(?:RSA|EC|DSA|DH|ED25519|ED448|X25519|X448|ENCRYPTED|OPENSSH|ANY) )*$)"
"""The start of a block whose label does not promise DER."""

_BASE36 = b"0123456789abcdefghijklmnopqrstuvwxyz"


def crc32_base62(body: bytes) -> bytes:
    """The six digits at the end of GitHub's and npm's tokens: CRC32 of the random part."""
    return _digits(zlib.crc32(body), _BASE62, 6)


def check_github(secret: bytes) -> bool | None:
    """`ghp_` and its like: 30 random characters, 6 of checksum. Other lengths have none that is known."""
    prefix, _, body = secret.partition(b"_")
    if len(prefix) != 3 or len(body) != 36:
        return None
    return crc32_base62(body[:-6]) == body[-6:]


def check_npm(secret: bytes) -> bool:
    """`npm_`, 30 random characters, 6 of checksum, as GitHub does it."""
    body = secret.removeprefix(b"npm_")
    return crc32_base62(body[:-6]) == body[-6:]


def check_netbird(secret: bytes) -> bool:
    """Return whether the last 6 characters are the CRC32 of the 30 random ones."""
    body = secret.removeprefix(b"nbp_")
    return crc32_base62(body[:-6]) == body[-6:]


def check_matrix(secret: bytes) -> bool:
    """Return whether a token of Synapse ends with the CRC32 of everything before the last `_`."""
    head, _, tail = secret.rpartition(b"_")
    return crc32_base62(head) == tail


def mas_checksum(text: bytes) -> bytes:
    """Return the end of a token of the Matrix Authentication Service: its digits start with the lowest."""
    return crc32_base62(text).lstrip(b"0")[::-1].rjust(6, b"0")


def check_mas(secret: bytes) -> bool:
    """Return whether a token of the Matrix Authentication Service ends with its CRC32."""
    head, _, tail = secret.rpartition(b"_")
    return mas_checksum(head) == tail


def gitlab_checksum(text: bytes) -> bytes:
    """The seven digits at the end of GitLab's routable tokens: the CRC32 of everything before them."""
    return _digits(zlib.crc32(text), _BASE36, 7)


def check_gitlab(secret: bytes) -> bool | None:
    """Only routable tokens have a checksum (GitLab: authn/token_field/generator/routable_token.rb).

    They are `PREFIX PAYLOAD . [VERSION .] LENGTH CHECKSUM`, the last two in 2 and 7 digits.
    """
    head, dot, tail = secret.rpartition(b".")
    if not dot or len(tail) != 9:
        return None
    return gitlab_checksum(secret[:-7]) == tail[2:] if head else None


def check_jwt(secret: bytes) -> bool:
    """Header and claims are JSON objects, and the header names an algorithm."""
    parts = secret.split(b".")
    header, claims = (_json_object(part) for part in parts[:2]) if len(parts) == 3 else (None, None)
    return header is not None and claims is not None and isinstance(header.get("alg"), str)


def check_github_app(secret: bytes) -> bool:
    """`ghs_APP_JWT`, as GitHub gives them to apps since 2026."""
    return check_jwt(secret.split(b"_", 2)[-1])


def check_age(secret: bytes) -> bool:
    """The Bech32 checksum of an age identity, X25519 or post-quantum, and its length."""
    from fluxsecrets.sops.bech32 import decode

    try:
        prefix, key = decode(secret.decode("ascii"))
    except ValueError:
        return False
    return prefix in ("age-secret-key-", "age-secret-key-pq-") and len(key) == 32


def check_aws_key_id(secret: bytes) -> bool | None:
    """Key ids since 2019 hold the account's number, which has twelve digits at most."""
    if secret[4:5] in (b"I", b"J"):
        return None  # older ones hold no number
    try:
        number = int.from_bytes(base64.b32decode(secret[4:])[:6], "big")
    except binascii.Error:
        return False
    return None if (number & 0x7FFFFFFFFF80) >> 7 < 10**12 else False


def check_pem(secret: bytes) -> bool | None:
    """The first bytes are a DER sequence or an OpenSSH key; what is between the lines is looked through.

    None where there is a header such as `Proc-Type:`, too little to judge, or a label that does not mean DER.
    """
    head, body = _pem_parts(secret)
    data = _loose_base64(body[:400])
    if data is None:
        return None
    if data.startswith((b"openssh-key-v1\0", b"\x30\x81", b"\x30\x82", b"\x30\x83")):
        return True
    if data[:1] == b"\x30" and b"\x28" <= data[1:2] < b"\x80":  # a short one, such as of Ed25519
        return True
    return None if re.search(_OTHER_LABEL, head) is not None else False


def check_pgp(secret: bytes) -> bool | None:
    """The first packet of a private key block is a secret key (RFC 9580, tags 5 and 7)."""
    body = _pem_parts(secret)[1]
    body = re.split(rb"(?:\\r)?(?:\\n|\n)[ \t]*(?:\\r|\r)?(?:\\n|\n)", body, maxsplit=1)[-1]
    data = _loose_base64(body[:200])
    if not data:
        return None
    tag = data[0] & 0x3F if data[0] & 0x40 else data[0] >> 2 & 0x0F
    return bool(data[0] & 0x80) and tag in (5, 7)


def check_pypi(secret: bytes) -> bool | None:
    """A macaroon of version 2 whose last field is a signature of 32 bytes (libmacaroons' format)."""
    data = _loose_base64(secret.removeprefix(b"pypi-").replace(b"-", b"+").replace(b"_", b"/"))
    if data is None:
        return False
    return data[:1] == b"\x02" and data[-35:-32] == b"\x00\x06\x20"


def check_sentry(secret: bytes) -> bool:
    """`sntrys_`, JSON with the time of issue in base64, and the secret part."""
    facts = _json_object(secret.removeprefix(b"sntrys_").rpartition(b"_")[0])
    return facts is not None and "iat" in facts


def check_tunnel(secret: bytes) -> bool:
    """A Cloudflare tunnel's token: JSON with account, tunnel and secret, in base64."""
    found = _json_object(secret)
    return found is not None and {"a", "t", "s"} <= found.keys()


def check_telegram(secret: bytes) -> bool:
    """The bot's number before the colon does not start with a zero."""
    return not secret.startswith(b"0")


def check_uuid4(secret: bytes) -> bool | None:
    """The version digit marks a random UUID; one that counts up is made up."""
    match = re.search(rb"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-([0-9a-fA-F])[0-9a-fA-F]{3}-([0-9a-fA-F])", secret)
    if match is None:
        return None
    return True if match[1] == b"4" and match[2].lower() in b"89ab" else None


def _digits(number: int, alphabet: bytes, width: int) -> bytes:
    base, found = len(alphabet), bytearray()
    while number:
        number, digit = divmod(number, base)
        found.append(alphabet[digit])
    return bytes(reversed(found)).rjust(width, alphabet[:1])


def _json_object(part: bytes) -> dict[str, object] | None:
    data = _loose_base64(part.replace(b"-", b"+").replace(b"_", b"/"))
    try:
        import json

        found = json.loads(data or b"")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _pem_parts(secret: bytes) -> tuple[bytes, bytes]:
    """The first line, and everything after it."""
    head, _, body = secret.partition(b"PRIVATE KEY")
    return head, body.removeprefix(b" BLOCK").lstrip(b" -")


def _loose_base64(text: bytes) -> bytes | None:
    """Base64 with white space, escaped line breaks and no padding; None where it is something else."""
    text = re.sub(_BETWEEN_LINES, b"", text).rstrip(b"=")
    if len(text) % 4 == 1:
        text = text[:-1]
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return None
