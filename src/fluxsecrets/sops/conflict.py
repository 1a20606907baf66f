"""Conflict markers that a merge left in a file: what is said of them, whichever command meets the file."""

from __future__ import annotations

import re

from fluxsecrets.errors import FormatError
from fluxsecrets.marks import SIGN

_MARKER = r"(?m)^(?:<{7,}|>{7,})(?: |\r?$)"
"""git writes seven characters, or as many as the attribute conflict-marker-size says."""

_MERGED_BY_VALUE = (SIGN, "SealedSecret")

RESOLVE = "run `fluxsecrets resolve FILE`, which merges the two sides by value"
"""The hint for a file that two branches changed."""


def has_markers(data: bytes) -> bool:
    """Return whether a content has conflict markers."""
    return conflict_error(data.decode("utf-8", "replace")) is not None


MARKERS_LEFT = "conflict markers are left in the file"
"""The message for such a file."""


def conflict_error(text: str) -> FormatError | None:
    """Return the error for a file with conflict markers, with the line of the first one; else None.

    A value of several lines may have such lines, too: call this only for what can't be read otherwise.
    """
    found = re.search(_MARKER, text)
    if found is None:
        return None
    return FormatError(
        MARKERS_LEFT,
        line=text.count("\n", 0, found.start()) + 1,
        hint=RESOLVE
        if any(sign in text for sign in _MERGED_BY_VALUE)
        else "resolve the conflict in your editor, then `git add FILE`",
    )
