"""What a plan would write to a file, as a diff."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping


def planned_diff(path: str, old: bytes | None, new: bytes, replaced: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a unified diff.

    Args:
        path: as shown to the user.
        old: the content; None for a new file.
        new: the planned content.
        replaced: texts of the new content that differ from run to run, with their replacements.
    """
    if new == old:
        return
    before, after = _lines(old), _lines(new)
    if before is None or after is None:
        yield f"Binary file {path} is new"
        return
    for text, shown in replaced.items():
        after = [line.replace(text, shown) for line in after]
    origin = f"a/{path}" if old is not None else "/dev/null"
    yield from difflib.unified_diff(before, after, origin, f"b/{path}", lineterm="")
    if not after and old is None:
        yield f"+++ b/{path} (empty)"


def _lines(data: bytes | None) -> list[str] | None:
    try:
        return (data or b"").decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return None
