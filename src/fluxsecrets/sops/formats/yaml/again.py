"""The short way of `former.block_again`: a block of the usual layout with other wrapped keys."""

from __future__ import annotations

from fluxsecrets.sops.metadata import metadata_to_data

from .block import KEY, indented, render_block
from .former import FormerBlock
from .plain import may_be_plain
from .scalars import Layout


def rendered_again(former: FormerBlock, data: dict[str, object], layout: Layout) -> str | None:
    """What `block_again` gives, where it is quick to tell: other wrapped keys in a block of the usual layout.

    Returns:
        None where the block was written otherwise, or more than that has changed.
    """
    step, before = former.step, metadata_to_data(former.metadata)
    if step is None or not _same_but_sealed(before, data):
        return None
    if indented(render_block({KEY: before}, step), former.column, layout) != former.text:
        return None
    return indented(render_block({KEY: data}, step), former.column, layout)


_SEALED = ("enc", "lastmodified", "mac")


def _same_but_sealed(one: object, two: object, key: str = "") -> bool:
    """Whether data differ in what is sealed alone, and are written in the same style."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(_same_but_sealed(one[key], two[key], key) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(_same_but_sealed, one, two))
    if type(one) is type(two) and one == two:
        return True
    if not isinstance(one, str) or not isinstance(two, str) or key not in _SEALED:
        return False
    return _is_clean(one) and _is_clean(two) and _manner(one) == _manner(two)


def _is_clean(text: str) -> bool:
    lines = text.replace("\n", "")
    return lines.isascii() and lines.isprintable()


def _manner(text: str) -> tuple[object, ...]:
    """What decides on the style of a clean text."""
    breaks = len(text) - len(text.rstrip("\n"))
    quotes = '"' in text or "\\" in text
    return "\n" in text, breaks, may_be_plain(text, flow=False), quotes, text[:1] in "\n "
