"""PEM: one or several blocks; each label stays if it is a known one, and text between blocks is masked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.placeholders.model import Maker, Shape
from fluxsecrets.placeholders.pemblocks import LABELS, block

_BEGIN = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]{2,40})-----\s")


def _make(text: str, maker: Maker) -> str | None:
    if "-----BEGIN " not in text:
        return None
    if "\n" not in text and "\\n" in text:  # in one line, as in dotenv
        found = _make(text.replace("\\n", "\n"), maker)
        end = "\\n" if text.endswith("\\n") else ""
        return None if found is None else found.replace("\n", "\\n") + end
    try:
        return "\n".join(_parts(text, maker))
    except _NotPemError:
        return None


class _NotPemError(Exception):
    """A block has no end, or a label that may be a secret."""


def _parts(text: str, maker: Maker) -> Iterator[str]:
    """The placeholders of the blocks, and of the lines around them.

    Raises:
        _NotPemError: see there.
    """
    at = 0
    for match in _BEGIN.finditer(text):
        if match.start() < at:
            continue
        end_line = f"-----END {match['label']}-----"
        end = text.find(end_line, match.end())
        if match["label"] not in LABELS or end < 0:
            raise _NotPemError
        yield from _between(text[at : match.start()], maker)
        at = end + len(end_line)
        yield block(match["label"], text[match.start() : at], maker)
    if not at:
        raise _NotPemError
    yield from _between(text[at:], maker)


def _between(text: str, maker: Maker) -> Iterator[str]:
    """Lines between blocks, such as the names of what is in them."""
    return (maker.part(line.strip()) for line in text.splitlines() if line.strip())


SHAPE = Shape("pem", _make)
