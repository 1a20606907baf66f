"""What was decrypted and would be plain text in the document that takes its place.

Which comments and values are encrypted is decided anew each time a file is written: a comment may come to
belong to another map, and the comments themselves may decide. So what was opened is followed to where it
ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from .document import Change, Comment, Leaf
from .opened import Opened
from .selection import is_empty
from .values import canonical_bytes

_SHORTEST = 3  # characters of a value that is followed to another place


def disclosed(opened: Opened, plain: Sequence[Leaf | Comment], *, by_hand: bool) -> Iterator[Leaf | Comment]:
    """What stands in plain text and was decrypted before.

    Args:
        opened: the file as it was.
        plain: the values and comments that the new document leaves as they are.
        by_hand: people edited the text, so that values are followed by what they are; otherwise by
            their path.

    Yields:
        The value or comment in the new document; one that stood in plain text before as well is not meant.
    """
    key = _content if by_hand else _place
    now = {key(item) for item in plain} - {None}
    if not now:
        return
    hidden = Counter(found for change in opened.changes if (found := key(_decrypted(change))) in now)
    if not hidden:
        return
    changed = {id(change.target) for change in opened.changes}
    rest = (item for item in opened.document.items if id(item) not in changed)
    shown = Counter(found for item in rest if (found := key(item)) in hidden)
    for item in plain:
        found = key(item)
        if not hidden[found]:
            continue
        if shown[found] > 0:
            shown[found] -= 1
            continue
        yield item


def _decrypted(change: Change) -> Leaf | Comment:
    target = change.target
    if isinstance(target, Comment):
        return target._replace(text=str(change.value))
    if change.becomes_comment:
        return Comment(target.path, str(change.value), target.start, target.end, target.line)
    return target._replace(value=change.value)


def _place(item: Leaf | Comment) -> Hashable:
    if isinstance(item, Comment):
        return "#", item.text.strip()
    return None if is_empty(item.value) else item.path


def _content(item: Leaf | Comment) -> Hashable:
    if isinstance(item, Comment):
        return "#", item.text.strip()
    value = item.value
    if is_empty(value) or isinstance(value, bool):
        return None
    data = canonical_bytes(value)
    return data if len(data) >= _SHORTEST else (item.path, data)
