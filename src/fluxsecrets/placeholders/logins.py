"""`auth: base64(user:password)`, as logins of registries have it; it agrees with the fields beside it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error

from .model import Maker

FIELDS = frozenset({"auth", "_auth"})


def login(text: str, maker: Maker) -> str | None:
    """Return the placeholder of a login in base64, or None if it is not one."""
    try:
        user, colon, password = b64decode(text, validate=True).decode().partition(":")
    except (Error, ValueError):
        return None
    if not colon or not user:
        return None
    masked = f"{maker.part(user, 'username')}:{maker.part(password, 'password')}"
    return b64encode(masked.encode()).decode()
