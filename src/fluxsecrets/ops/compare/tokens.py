"""How a value is shown that is not shown: its type, a range for its length, and a token.

git starts a process for every version of every file that it shows, so this module imports next to nothing.
"""

from __future__ import annotations

from fluxsecrets.files.hashing import fast_hash

_SMALLEST = 8
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_TOKEN_BYTES = 8
"""So many that nobody finds another ciphertext with the same token."""


def length_range(length: int) -> tuple[int, int]:
    """The class of a length in bytes, ends included: 0, 1-8, 9-16, 17-32, and so on."""
    if length == 0:
        return 0, 0
    high = _SMALLEST
    while high < length:
        high *= 2
    return 1 if high == _SMALLEST else high // 2 + 1, high


def has_length(kind: str) -> bool:
    """Whether a length may be shown; that of a boolean would tell which it is."""
    return kind not in ("bool", "null")


def decoded_length(data: str) -> int:
    """The number of bytes in base64."""
    return len(data) // 4 * 3 - data[-2:].count("=")


def token_of(public: str) -> str:
    """A short token for a text that everybody may know, such as a ciphertext; equal for equal texts."""
    state = fast_hash(_TOKEN_BYTES)
    state.update(public.encode("utf-8", "surrogateescape"))
    return token_text(state.digest())


def token_text(digest: bytes) -> str:
    """A digest in lower-case letters and digits."""
    number, letters = int.from_bytes(digest, "big"), ""
    for _ in range(-(-len(digest) * 8 // 5)):
        letters += _LETTERS[number & 31]
        number >>= 5
    return letters


def placeholder(kind: str, length: int | None, token: str) -> str:
    """What is shown in place of a value, such as `<str 9-16 k3f9q2ab7c4xe>`."""
    shown = ""
    if length is not None and has_length(kind):
        low, high = length_range(length)
        shown = f"{low}-{high}" if low != high else str(low)
    return f"<{' '.join(word for word in (kind, shown, token) if word)}>"
