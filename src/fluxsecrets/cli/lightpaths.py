"""Imports `pathlib` without `urllib.parse`, which it needs for `as_uri` alone.

That module, and `ipaddress` behind it, take a twentieth of the time in which one file is decrypted. Later
versions of Python import it when it is called.
"""

from __future__ import annotations

import sys

_MODULE = "urllib.parse"


def prepare() -> None:
    """Import `pathlib`, before anything else does."""
    if _MODULE in sys.modules or "pathlib" in sys.modules:
        return
    stand_in = type(sys)(_MODULE)
    stand_in.__dict__["quote_from_bytes"] = _quote_from_bytes
    sys.modules[_MODULE] = stand_in
    try:
        import pathlib  # noqa: F401
    finally:
        del sys.modules[_MODULE]


def _quote_from_bytes(text: bytes) -> str:
    from urllib.parse import quote_from_bytes

    return quote_from_bytes(text)
