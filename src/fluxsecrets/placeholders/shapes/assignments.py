"""Lines of `NAME=VALUE`: dotenv, INI and properties. Names stay if they are names; comments are masked."""

from __future__ import annotations

import json
import re

from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.names import field

_SUFFIXES = (".env", ".ini", ".conf", ".cfg", ".cnf", ".properties")
_LINE = re.compile(
    r"(?P<indent>[ \t]*)(?P<export>export[ \t]+)?(?P<name>[A-Za-z_/:@.][\w./:@ -]{0,200}?)"
    r"(?P<sign>[ \t]*(?:=|:(?=[ \t]))[ \t]*)(?P<value>.*)"
)
_SECTION = re.compile(r"[ \t]*\[(?P<name>[^\]\n]{1,200})\][ \t]*")
_COMMENT = re.compile(r"[ \t]*(?P<sign>[#;]|//)")
_QUOTES = "\"'"
_UNSAFE = frozenset(" \t\n'\"\\`#;$&|<>()")
_MOST_LINES = 20_000


def _make(text: str, maker: Maker) -> str | None:
    if "=" not in text and not maker.name.endswith(_SUFFIXES):
        return None
    lines = text.splitlines()
    named = maker.name.endswith(_SUFFIXES)  # `.env` ends so, too
    if len(lines) > _MOST_LINES or not (len(lines) > 1 or named):
        return None
    found, assigned = [], 0
    for line in lines:
        masked = _line(line, maker)
        if masked is None:
            return None
        assigned += _LINE.fullmatch(line) is not None
        found.append(masked)
    return "\n".join(found) if assigned else None


def _line(line: str, maker: Maker) -> str | None:
    if not line.strip():
        return ""
    comment = _COMMENT.match(line)
    if comment is not None:
        return f"{comment['sign']} {maker.mark(line.strip())}"
    section = _SECTION.fullmatch(line)
    if section is not None:
        return f"[{field(section['name'], maker)}]"
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    name = field(match["name"], maker)
    value = _value(match["value"].strip(), match["name"], maker)
    return f"{match['indent']}{match['export'] or ''}{name}{match['sign']}{value}"


def _value(text: str, name: str, maker: Maker) -> str:
    if not text:
        return ""
    if len(text) > 1 and text[0] in _QUOTES and text[0] == text[-1]:
        return _quoted(text[1:-1], text[0], name, maker)
    found = maker.part(text, name)
    return found if not set(found) & _UNSAFE or found[0] in "{[" else maker.mark(text)


def _quoted(text: str, quote: str, name: str, maker: Maker) -> str:
    if not text:
        return quote * 2
    found = maker.part(text, name)
    if quote == '"':
        return json.dumps(found)
    return f"'{maker.mark(text) if set(found) & set(chr(39) + chr(10)) else found}'"


SHAPE = Shape("assignments", _make)
