"""The placeholder of a host and its port, wherever they occur: in URLs, connection strings and alone."""

from __future__ import annotations

import re

from .model import Maker
from .variables import around, is_variable
from .words import HOSTS, is_label

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_IPV4 = re.compile(rf"(?:{_BYTE}\.){{3}}{_BYTE}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_MOST_LABELS = 8
_WELL_KNOWN = frozenset(
    """
    22 25 53 80 110 143 389 443 465 587 636 993 1433 1521 3000 3306 4222 5432 5671 5672 6379 6443 8000 8080
    8086 8200 8443 9000 9042 9090 9092 9093 9200 9300 11211 26379 27017 27018 27019
    """.split()  # noqa: SIM905 - a list of quoted words is harder to read
)
"""Ports that stay: each says which service it is, as the scheme does."""


def masked_host(host: str, maker: Maker) -> str:
    """Return a host: of several labels, those that are words stay; of one, only a well-known one."""
    if _IPV4.fullmatch(host) or is_variable(host):
        return host if is_variable(host) else ipv4(host, maker)
    if host.startswith("[") and host.endswith("]"):
        return f"[{ipv6(host, maker)}]"
    labels = host.split(".")
    if len(labels) == 1 and host not in HOSTS:
        return around(host, maker.label)
    if len(labels) > _MOST_LABELS or not labels[-1].strip():
        return maker.label(host)
    return ".".join(
        each if is_label(each) and _fits(labels) else around(each, maker.label) for each in labels
    )


def _fits(labels: list[str]) -> bool:
    """Whether the last label may be a top-level domain, or ends a name in a cluster."""
    return labels[-1].isalpha() or is_variable(labels[-1])


def masked_port(port: str, maker: Maker) -> str:
    """Return a port: one of a well-known service stays."""
    if port in _WELL_KNOWN or is_variable(port):
        return port
    fits = _PORT.fullmatch(port) is not None and int(port) < 2**16
    return maker.part(port, "port") if fits else maker.mark(port)


def looks_like_host(text: str) -> bool:
    """Whether a text has the form of a host name with at least two labels, or of an IPv4 address."""
    labels = text.split(".")
    return 1 < len(labels) <= _MOST_LABELS and all(map(_LABEL.fullmatch, labels)) and labels[-1].isalpha()


def ipv4(address: str, maker: Maker) -> str:
    """Return an address of 198.18.0.0/15, which is for tests of networks (RFC 2544)."""
    number = maker.draw("ipv4", address).below(2**17)
    return f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def ipv6(address: str, maker: Maker) -> str:
    """Return an address of 2001:db8::/32, which is for documentation (RFC 3849)."""
    row = maker.draw("ipv6", address.lower()).bytes(12).hex()
    return ":".join(("2001", "db8", *(row[at : at + 4] for at in range(0, 24, 4))))
