"""Files with git's conflict markers: each side is read as the file that it would be."""

from __future__ import annotations

import re

from fluxsecrets.errors import FormatError
from fluxsecrets.scan.blob import Blob
from fluxsecrets.sops.conflict import MARKERS_LEFT, RESOLVE

_MARKED = re.compile(r"(?ms)^<<<<<<< .*?^=======\r?$.*?^>>>>>>> ")
_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?: |\r?\n|\r?$)")
_NOT_BREAK = re.compile(r"[^\r\n]")


def sides(text: str) -> tuple[str, ...]:
    """The text as either side of its conflicts has it, all else blanked out; nothing without a conflict.

    Every character keeps its place.
    """
    if "<<<<<<< " not in text or _MARKED.search(text) is None:
        return ()
    return tuple(_side(text, own) for own in "<=")


def _side(text: str, own: str) -> str:
    lines, now = [], ""
    for line in text.splitlines(keepends=True):
        marker = _MARKER.match(line)
        if marker is not None:
            now = "" if line[0] == ">" else line[0]
        keeps = marker is None and now in ("", own)
        lines.append(line if keeps else _NOT_BREAK.sub(" ", line))
    return "".join(lines)


def problem(blob: Blob, *, encrypted: bool) -> FormatError:
    """What is said of a file with a conflict: Flux cannot read it, and nobody can decrypt it."""
    line = blob.text.count("\n", 0, blob.text.find("<<<<<<< ")) + 1
    return FormatError(
        MARKERS_LEFT if encrypted else "conflict markers are left in a file that may hold a Secret",
        hint=RESOLVE if encrypted else "resolve the conflict in your editor, then `git add FILE`",
        path=blob.path,
        line=line,
    )
