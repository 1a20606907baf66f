"""Addresses of servers: when two texts name the same server.

Credentials are sent to an address only if it is one that the user named. So a text in an unusual form names
no server here, rather than perhaps the wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.ASCII)


def endpoint(address: str) -> str | None:
    """Return the address of a server in one spelling.

    Args:
        address: such as `HTTPS://Vault.Example.com/`.

    Returns:
        Scheme, host and port, such as `https://vault.example.com:443`. None if the text is anything else:
        another scheme, credentials, a path, a query, or a host that is not ASCII. Such a host has an `xn--`
        form.
    """
    # urlsplit removes tabs and line breaks, and a browser takes \ for /.
    if not address.isascii() or not address.isprintable() or any(mark in address for mark in " \\?#@%"):
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    host = parts.netloc.lower()
    host = host[: host.rindex(":")] if re.search(r":\d*\Z", host) else host
    if parts.scheme not in _PORTS or parts.path not in ("", "/") or not _HOST.fullmatch(host):
        return None
    if port == 0:
        return None
    return f"{parts.scheme}://{host}:{port or _PORTS[parts.scheme]}"


def is_among(address: str, others: Iterable[str]) -> bool:
    """Return whether an address is the same server as one of others."""
    wanted = endpoint(address)
    return wanted is not None and any(endpoint(other) == wanted for other in others)
