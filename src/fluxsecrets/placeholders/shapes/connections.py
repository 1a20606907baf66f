"""Connection strings: `Server=db;User Id=app;Password=…`, `host=db user=app`, `app:…@tcp(db:3306)/app`."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.hosts import masked_host, masked_port
from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.variables import around
from fluxsecrets.placeholders.words import is_name

_LONGEST = 4096
_PAIR = re.compile(r"(?P<name>[A-Za-z][\w .-]{0,40}?) ?= ?(?P<value>.*)", re.ASCII)
_SPACED = re.compile(r"(?:[a-z_]{2,32}=(?:'[^']*'|[^\s'=]*)(?:\s+|$)){2,32}", re.ASCII)
_ITEM = re.compile(r"(?P<name>[a-z_]+)=(?P<value>'[^']*'|[^\s']*)(?P<space>\s*)", re.ASCII)
_DSN = re.compile(
    r"(?P<user>[^@()]*)@(?P<net>tcp|tcp4|tcp6|unix|udp)\((?P<address>[^()]*)\)(?P<rest>/.*)?", re.DOTALL
)
_UNSAFE = frozenset(";'\" \t\n")
_HOST = re.compile(r"(?P<net>(?:tcp|np|lpc):)?(?P<host>[^:,]*)(?:(?P<sign>[:,])(?P<port>.*))?")
_HOSTS = frozenset({"server", "host", "data source", "endpoint", "addr", "address", "hostaddr"})


def _semicolons(text: str, maker: Maker) -> str | None:
    if ";" not in text or "=" not in text or "\n" in text:
        return None
    found = []
    for part in text.split(";"):
        match = _PAIR.fullmatch(part.strip())
        if match is None:
            if part.strip():
                return None
            found.append("")
            continue
        name = match["name"] if is_name(match["name"]) else maker.mark(match["name"])
        found.append(f"{name}={_value(match['name'], match['value'], maker)}")
    return ";".join(found)


def _spaces(text: str, maker: Maker) -> str | None:
    if "=" not in text or _SPACED.fullmatch(text) is None:
        return None
    return _ITEM.sub(
        lambda item: (
            f"{item['name'] if is_name(item['name']) else maker.mark(item['name'])}="
            f"{_value(item['name'], item['value'].strip(chr(39)), maker)}{item['space']}"
        ),
        text,
    )


def _dsn(text: str, maker: Maker) -> str | None:
    """The data source names of Go's MySQL driver."""
    match = _DSN.fullmatch(text) if "@" in text and "(" in text else None
    if match is None:
        return None
    user, colon, password = match["user"].partition(":")
    rest = match["rest"] or ""
    return (
        f"{_word(user, maker)}{colon}{_word(password, maker)}@{match['net']}"
        f"({_address(match['address'], maker)}){'/' if rest else ''}{_word(rest[1:], maker)}"
    )


def _value(name: str, value: str, maker: Maker) -> str:
    if not value:
        return ""
    lower = name.lower()
    if lower in _HOSTS:
        return _address(value, maker)
    if lower == "port":
        return masked_port(value, maker)
    found = maker.part(value, lower)
    return maker.mark(value) if set(found) & _UNSAFE else found


def _address(text: str, maker: Maker) -> str:
    match = _HOST.fullmatch(text)
    if match is None:
        return maker.mark(text)
    host = masked_host(match["host"], maker) if match["host"] else ""
    port = masked_port(match["port"], maker) if match["port"] else ""
    return f"{match['net'] or ''}{host}{match['sign'] or ''}{port}"


def _word(text: str, maker: Maker) -> str:
    return around(text, maker.mark) if text else ""


def _make(text: str, maker: Maker) -> str | None:
    if len(text) > _LONGEST:
        return None
    for form in (_semicolons, _spaces, _dsn):
        found = form(text, maker)
        if found is not None:
            return found
    return None


SHAPE = Shape("connection string", _make)
