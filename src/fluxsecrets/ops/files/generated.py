"""Generate random values: passwords, keys, UUIDs, all from the system's secure source."""

from __future__ import annotations

import base64
import re
import secrets
import string
import uuid
from collections.abc import Callable

from fluxsecrets.errors import UsageError

EXAMPLES = "password:32 (characters), hex:32 or base64:32 (bytes), uuid"
"""For people: what can be generated."""

_LETTERS = string.ascii_letters + string.digits
_MINIMUM, _DEFAULT, _MAXIMUM = 8, 32, 4096
_SPEC = re.compile(r"([a-z0-9]+)(?::([0-9]{1,6}))?", re.ASCII)


def generate(spec: str) -> str:
    """Return a new random value.

    Args:
        spec: `password:N` (N letters and digits), `hex:N` or `base64:N` (N bytes in that encoding), or
            `uuid`; N defaults to 32.

    Raises:
        UsageError: the kind is unknown, or the length is too short for a secret or absurdly long.
    """
    match = _SPEC.fullmatch(spec)
    kind = match[1] if match is not None else ""
    if match is None or kind not in (*_MAKERS, "uuid") or (kind == "uuid" and match[2]):
        raise UsageError(
            f"{spec!a} can't be generated",
            hint="use password:32, hex:32, base64:32 (bytes), or uuid",
        )
    if kind == "uuid":
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
    length = int(match[2]) if match[2] else _DEFAULT
    if not _MINIMUM <= length <= _MAXIMUM:
        raise UsageError(
            f"a generated value has {_MINIMUM} to {_MAXIMUM} characters or bytes, not {length}",
            hint=f"{_DEFAULT} is a good length",
        )
    return _MAKERS[kind](length)


def _password(length: int) -> str:
    # Letters and digits only: others need escaping in URLs, shells or connection strings. At least one of
    # each kind, as many password policies require.
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
    while True:
        text = "".join(secrets.choice(_LETTERS) for _ in range(length))
        if all(any(letter in kind for letter in text) for kind in kinds):
            return text


_MAKERS: dict[str, Callable[[int], str]] = {
    "password": _password,
    "hex": secrets.token_hex,
    "base64": lambda length: base64.b64encode(secrets.token_bytes(length)).decode(),
}
