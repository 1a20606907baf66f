"""The names of fields in structured texts: a name stays if it is one, and a host is one as well."""

from __future__ import annotations

from .hosts import looks_like_host, masked_host, masked_port
from .model import Maker
from .words import is_name


def field(name: str, maker: Maker) -> str:
    """Return a field's name, or what takes its place: keys of maps may be registries, or secrets."""
    if is_name(name) or not name:
        return name
    if "://" in name:
        return maker.part(name, "url")
    host, colon, port = name.partition(":")
    if looks_like_host(host) and (not colon or port.isdigit()):
        return f"{masked_host(host, maker)}{colon}{masked_port(port, maker) if colon else ''}"
    return maker.mark(name)
