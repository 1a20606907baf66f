"""The gap in front of a key of YAML, where it is plain which map the comments in it belong to.

go-yaml decides that by indentation and blank lines, see `formats.yaml.comments`. Whether it takes a comment
in the column of a map for head or foot of an entry, the map is the same.
"""

from __future__ import annotations

_BEYOND = "\r\x85\u2028\u2029"
"""Line breaks that go-yaml counts in ways of its own."""


def between(gap: str, column: int, *, below: bool) -> int | None:
    """Judge the gap in front of a key: blanks, comments in its map's column, and one beside the value above.

    Args:
        gap: from the end of the value to the start of the key.
        column: of the map.
        below: the value ends behind its line.

    Returns:
        Where the comment beside the value starts, or -1 without one. None if the gap is of another kind.
    """
    if any(sign in gap for sign in _BEYOND):
        return None
    *lines, last = gap.split("\n")
    if last != " " * column or not (lines or below):
        return None
    own, at = f"{last}#", -1
    for number, line in enumerate(lines):
        text = line.lstrip(" ")
        if not text:
            continue
        if number == 0 and not below:
            at = len(line) - len(text)
            if text[0] != "#" or not at:
                return None
        elif not line.startswith(own):
            return None
    return at
