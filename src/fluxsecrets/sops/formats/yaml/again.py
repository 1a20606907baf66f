"""The short way of `former.block_again`: a block of the usual layout with other wrapped keys.

The files of a repository mostly have the same block but for what is sealed. So that is cut out of the text.
Whether the rest is of the usual layout is found out once for all of them.
"""

from __future__ import annotations

import re
from functools import lru_cache

from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.formats import Edit, apply_edits
from fluxsecrets.sops.metadata import metadata_to_data

from .block import KEY, indented, render_block
from .former import FormerBlock
from .scalars import Layout

_LARGEST = 2**16
"""Characters of a block whose rest is kept for others."""

_BASE64 = "[A-Za-z0-9+/=]"
_SEALED = {
    "enc": rf"[A-Za-z]{_BASE64}{{39,}}|vault:v[0-9]+:{_BASE64}{{39,}}",
    "lastmodified": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
    "mac": r"ENC\[[A-Za-z0-9+/=_:,]*\]",
}
"""What is sealed, by its key; all of one kind is written in one style, in one line."""

_ARMOUR = rf"-----BEGIN [A-Z ]+-----\n(?:{_BASE64}+\n)+-----END [A-Z ]+-----\n?"
"""What is sealed, and written as a literal block."""


def rendered_again(former: FormerBlock, data: dict[str, object], layout: Layout) -> str | None:
    """What `block_again` gives, where it is quick to tell: other wrapped keys in a block of the usual layout.

    Returns:
        None where the block was written otherwise, or more than that has changed.
    """
    text, old, new = former.text, list[_Piece](), list[_Piece]()
    rest = _Rest(_cut(metadata_to_data(former.metadata), old))
    if len(text) > _LARGEST or rest != _Rest(_cut(data, new)):
        return None
    shortened, edits = list[Edit](), list[Edit]()
    for before, after in zip(old, new, strict=True):
        lead = before.lead(text, layout.newline)
        written = before.written(before.text, lead)
        if text.count(written) != 1:
            return None
        start = text.index(written)
        end = start + len(written)
        shortened.append((start, end, before.written(before.stand_in, lead)))
        edits.append((start, end, after.written(after.text, lead)))
    usual = _is_usual(apply_edits(text, shortened), rest, former.step, former.column, layout)
    return apply_edits(text, edits) if usual else None


class _Piece(NamedTuple):
    """A sealed text of a block.

    Attributes:
        stand_in: a text that is written in the same style, another one for each piece.
    """

    text: str
    stand_in: str

    def lead(self, block: str, newline: str) -> str:
        """What stands between two of its lines, if it is in a block."""
        place = block.find(max(self.text.split("\n"), key=len))
        return newline + block[block.rfind("\n", 0, place) + 1 : place]

    @staticmethod
    def written(text: str, lead: str) -> str:
        """A text of the same kind as it stands in the block."""
        return text.removesuffix("\n").replace("\n", lead)


def _cut(data: object, pieces: list[_Piece], key: str = "") -> object:
    """The data with a stand-in for each piece that is sealed."""
    if isinstance(data, dict):
        return {name: _cut(value, pieces, name) for name, value in data.items()}
    if isinstance(data, list):
        return [_cut(value, pieces) for value in data]
    stand_in = _stand_in(key, data, len(pieces)) if isinstance(data, str) and key in _SEALED else None
    if stand_in is None:
        return data
    pieces.append(_Piece(data, stand_in))  # type: ignore[arg-type] # it is a text
    return stand_in


def _stand_in(key: str, text: str, number: int) -> str | None:
    if key == "enc" and re.fullmatch(_ARMOUR, text):
        return f"-----\n{number}{text[-1:].strip('-')}"  # a line break at its end decides on the style, too
    if not re.fullmatch(_SEALED[key], text):
        return None
    return f"2000-01-01T00:00:{number:02}Z" if key == "lastmodified" else f"ENC[{number}]"


class _Rest:
    """What is left of a block, which is compared by how it is shown."""

    __slots__ = ("data", "shown")

    def __init__(self, data: object) -> None:
        self.data, self.shown = data, repr(data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rest) and self.shown == other.shown

    def __hash__(self) -> int:
        return hash(self.shown)


@lru_cache(maxsize=16)
def _is_usual(text: str, rest: _Rest, step: int | None, column: int, layout: Layout) -> bool:
    """Whether a block without what is sealed is written as it would be now."""
    return step is not None and indented(render_block({KEY: rest.data}, step), column, layout) == text
