"""Lines of manifests that hold no secret wherever they stand, so that their files need not be parsed.

Most manifests with a telling name give it a reference, or the name of a Secret, and the same few lines come
back in thousands of versions. A line is told harmless by judging it alone, as a manifest of one line. That
holds in any file if the line is complete: one name, one value on the same line, and a next line that can't
continue it. Everything else is read with its file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

LARGEST = 2**20
"""Bytes of a file up to which its lines are looked at one by one."""

_MOST = 20_000
"""Judged lines that are remembered."""

_LONGEST = 400

# No escapes, anchors, aliases, tags, block or flow signs: what they stand for is elsewhere. A template's
# expression is complete.
_EXPRESSION = rb"\$?\{\{[ \w.$|()-]*\}\}"
_PLAIN = rb"(?:[\w$(/.~+]|%s)(?:[\w$(){}/.~+@%%<;=,?^-]|:(?! )|%s)*" % (_EXPRESSION, _EXPRESSION)
_LINE = re.compile(
    rb"[ ]*(?P<own>(?:- +)*(?:#[# ]*(?:- +)*)?[\"']?[\w./-]+[\"']? *: +"
    rb"(?:(?P<plain>%s)|\"[^\"\\\t\r]*\"|'[^'\t\r]*'))(?P<comma>,?)(?P<note> +#[^\t\r\n]*)? *\r?" % _PLAIN
)
_NEXT = re.compile(rb"\s*(?:#|(?:- +)*[\"']?[\w./$-]+[\"']? *:(?:\s|\Z)|\Z)|\s*\n(?:---|\.\.\.)\s")


class HarmlessLines:
    """Remembers which lines are harmless."""

    def __init__(self, judge: Callable[[bytes], bool]) -> None:
        """Take the function that says whether nothing is found in a line alone."""
        self._judge = judge
        self._known: dict[bytes, bool] = {}
        self._forms: dict[bytes, tuple[bytes, bool] | None] = {}

    def are_all(self, data: bytes, ends: Iterable[int]) -> bool:
        """Whether the lines around some places are all harmless.

        Args:
            data: the file, not larger than `LARGEST`.
            ends: places in it; those that are unknown are -1.
        """
        stop = -1
        for end in ends:
            if end < 0:
                return False
            if end <= stop:  # in the same line as the one before
                continue
            start = data.rfind(b"\n", 0, end - 1) + 1
            stop = data.find(b"\n", end - 1)
            if stop < 0:
                stop = len(data)
            if stop - start > _LONGEST or not self._is_harmless(data[start:stop], data, stop):
                return False
        return True

    def _is_harmless(self, line: bytes, data: bytes, stop: int) -> bool:
        try:
            form = self._forms[line]
        except KeyError:
            if len(self._forms) >= _MOST:
                self._forms.clear()
            form = self._forms[line] = _form(line)
        if form is None:
            return False
        own, may_go_on = form
        if may_go_on and _NEXT.match(data, stop) is None:
            return False
        known = self._known.get(own)
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self._known[own] = self._judge(own)
        return known


def _form(line: bytes) -> tuple[bytes, bool] | None:
    """A complete line without its indentation, and whether the next one may continue it; None for others."""
    match = _LINE.fullmatch(line)
    if match is None or not line.isascii() or (match["plain"] is not None and match["comma"]):
        return None
    return match["own"] + (match["note"] or b""), match["plain"] is not None
