"""Addresses: of networks, mailboxes and services. None of them stays: what is alone may be the secret."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.hosts import ipv4, ipv6, looks_like_host, masked_port
from fluxsecrets.placeholders.mark import DOMAIN
from fluxsecrets.placeholders.model import Maker, Shape

_PREFIX = re.compile(r"/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9])", re.ASCII)
_MAIL = re.compile(r"[^@\s:/]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,24}", re.ASCII)
_HOST_AND_PORT = re.compile(r"(?P<host>[A-Za-z0-9_.-]{1,253}):(?P<port>[0-9]{1,5})", re.ASCII)


def _ip(text: str, maker: Maker) -> str | None:
    address, slash, _ = text.partition("/")
    if slash and _PREFIX.fullmatch(text[len(address) :]) is None:
        return None
    if not address or address[0] not in "0123456789abcdefABCDEF:" or not ("." in address or ":" in address):
        return None
    from ipaddress import ip_address

    try:
        version = ip_address(address).version
    except ValueError:
        return None
    return (ipv4 if version == 4 else ipv6)(address, maker) + text[len(address) :]


def _mail(text: str, maker: Maker) -> str | None:
    return f"{maker.label(text)}@{DOMAIN}" if _MAIL.fullmatch(text) else None


def _host(text: str, maker: Maker) -> str | None:
    return f"{maker.label(text)}.{DOMAIN}" if looks_like_host(text) else None


def _host_and_port(text: str, maker: Maker) -> str | None:
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None:
        return None
    domain = f".{DOMAIN}" if looks_like_host(match["host"]) else ""
    return f"{maker.label(text)}{domain}:{masked_port(match['port'], maker)}"


IP = Shape("ip", _ip)
MAIL = Shape("email", _mail)
HOST = Shape("host", _host)
HOST_AND_PORT = Shape("host and port", _host_and_port)
