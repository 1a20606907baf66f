"""What is made of objects, once for each: environments share the objects of what they all apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .objects import Object

Made = TypeVar("Made")


class PerObject(Generic[Made]):
    """A function of an object that keeps its answers.

    Two objects have the same answer if they are written at the same place and have the same data: the very
    same, since 1 and true are equal. They may differ in how they came there: in `through`, former names and
    affixes, and in which patches changed them.
    """

    def __init__(self, make: Callable[[Object], Made]) -> None:
        """Take a function whose answer depends on nothing else."""
        self._make = make
        self._made: dict[tuple[object, ...], tuple[Object, Made]] = {}

    def __call__(self, item: Object) -> Made:
        """Return the answer for an object."""
        key = _key(item)
        known = self._made.get(key)
        if known is None:
            # The object is kept: another one must not get its ids while this is in use.
            known = self._made[key] = (item, self._make(item))
        return known[1]


def _key(item: Object) -> tuple[object, ...]:
    if item.manifest is None:  # a generated one
        return (id(item),)
    written = (id(item.manifest), item.file, item.line)
    called = (item.api_version, item.kind, item.namespace, item.name)
    return (id(item.data), bool(item.patched_by), *written, *called)
