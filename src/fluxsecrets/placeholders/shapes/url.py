"""A URL: its scheme stays, and of its host and its path what is made of words; the rest is replaced."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.hosts import masked_host, masked_port
from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.variables import around, is_variable
from fluxsecrets.placeholders.words import SEGMENTS, is_name

_SCHEMES = frozenset(
    """
    amqp amqps clickhouse consul file ftp ftps git gs http https influx kafka ldap ldaps mailto mariadb
    memcached mongodb mqtt mqtts mssql mysql nats nfs oci oracle postgres postgresql redis rediss s3 scp
    sftp smb smtp smtps snmp sqlite sqlserver ssh ssl tcp tls udp unix vault ws wss
    """.split()  # noqa: SIM905 - a list of quoted words is harder to read
)
_DIALECTS = frozenset(
    """
    aiomysql aiosqlite asyncmy asyncpg cluster http https jdbc mysqlconnector mysqldb psycopg psycopg2
    psycopg3 pymssql pymysql pyodbc sentinel srv ssh ssl tcp tls unix
    """.split()  # noqa: SIM905
)
_URL = re.compile(
    r"(?P<before>jdbc:)?(?P<scheme>[a-z][a-z0-9]*(?:\+[a-z0-9]+)*)://(?P<rest>[^\s]+)", re.ASCII
)
_SCALAR = re.compile(r"[0-9]{1,18}|true|false", re.ASCII)
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|\$\{\w+\}|[^:]*)(?::(?P<port>.*))?", re.DOTALL)


def _make(text: str, maker: Maker) -> str | None:
    match = _URL.fullmatch(text)
    if match is None or not _is_known(match["scheme"]):
        return None
    rest, sign, fragment = match["rest"].partition("#")
    rest, mark, query = rest.partition("?")
    unsure = "@" in fragment + query  # a password may hold these signs
    if unsure and "@" not in rest:
        rest, sign, fragment, mark, query, unsure = match["rest"], "", "", "", "", False
    # A password may hold a slash as well: what is before the last `@` is about the user.
    before, at, after = rest.rpartition("@")
    authority, slash, path = after.partition("/")
    return "".join(
        (
            match["before"] or "",
            f"{match['scheme']}://",
            _user(before, maker) if at else "",
            at,
            maker.label(authority)
            if unsure
            else ",".join(_host(each, maker) for each in authority.split(",")),
            slash,
            "/".join(_segment(each, maker) for each in path.split("/")),
            mark,
            _query(query, maker),
            sign,
            maker.mark(fragment) if fragment else "",
        )
    )


def _is_known(scheme: str) -> bool:
    first, *others = scheme.split("+")
    return first in _SCHEMES and all(each in _DIALECTS for each in others)


def _user(text: str, maker: Maker) -> str:
    name, colon, password = text.partition(":") if not text.startswith("${") else _after_variable(text)
    return f"{_word(name, maker)}{colon}{_word(password, maker)}"


def _after_variable(text: str) -> tuple[str, str, str]:
    """Split behind a reference, which may have a colon in it."""
    end = text.find("}") + 1
    name, colon, password = text[end:].partition(":")
    return text[:end] + name, colon, password


def _host(text: str, maker: Maker) -> str:
    if not text:
        return text
    match = _HOST.fullmatch(text)
    if match is None:
        return maker.mark(text)
    port = "" if match["port"] is None else f":{masked_port(match['port'], maker)}" if match["port"] else ":"
    return f"{masked_host(match['host'], maker) if match['host'] else ''}{port}"


def _segment(text: str, maker: Maker) -> str:
    return text if text in SEGMENTS else _word(text, maker)


def _query(text: str, maker: Maker) -> str:
    return "&".join(_parameter(each, maker) for each in text.split("&")) if text else ""


def _parameter(text: str, maker: Maker) -> str:
    name, sign, value = text.partition("=")
    shown = name if sign and is_name(name) and " " not in name else _word(name, maker)
    return f"{shown}{sign}{_word(value, maker)}"


def _word(text: str, maker: Maker) -> str:
    """A part that a program may want as a number or a switch: `/0`, `?ssl=true`."""
    if not text or is_variable(text):
        return text
    return maker.part(text, "url") if _SCALAR.fullmatch(text) else around(text, maker.mark)


SHAPE = Shape("url", _make)
