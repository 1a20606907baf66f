"""A text of several lines that has no other shape: as many lines, each masked as a text of its own."""

from __future__ import annotations

import re

from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.words import is_name

_MOST_LINES = 5000
_COMMENT = re.compile(r"# *(?P<name>[^:=]{1,48})(?P<sign>[:=] *)(?P<value>\S.*)")
_INDENT = re.compile(r"\A[ \t]*(?:[-*][ \t]+)*")
"""Signs of lists stay: without them, a list in YAML would be a text."""

_SIGNS = frozenset("{}[](),;")


def _make(text: str, maker: Maker) -> str | None:
    if "\n" not in text:
        return None
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        return None
    return "\n".join(_line(line, maker) for line in lines)


def _line(line: str, maker: Maker) -> str:
    core = line.strip()
    if len(core) < 3 and not set(core) - _SIGNS and core not in ("{{", "}}"):
        return line.rstrip()
    behind = _INDENT.sub("", line)
    indent, core = line[: len(line) - len(behind)], behind.strip()
    if not core.startswith("#"):
        return f"{indent}{maker.part(core)}"
    match = _COMMENT.fullmatch(core)
    if match is None or not is_name(match["name"]):
        return f"{indent}# {maker.mark(core)}"
    return f"{indent}# {match['name']}{match['sign']}{maker.part(match['value'], match['name'])}"


SHAPE = Shape("lines", _make)
