"""What is made of objects, once for each: environments share the objects of what they all apply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .objects import Object

Made = TypeVar("Made")


class PerObject(Generic[Made]):
    """A function of an object that keeps its answers, by the object's identity and not by what it equals."""

    def __init__(self, make: Callable[[Object], Made]) -> None:
        """Take a function whose answer depends on the object alone."""
        self._make = make
        self._made: dict[int, tuple[Object, Made]] = {}

    def __call__(self, item: Object) -> Made:
        """Return the answer for an object."""
        known = self._made.get(id(item))
        if known is None:
            # The object is kept: another one must not get its id while this is in use.
            known = self._made[id(item)] = (item, self._make(item))
        return known[1]
