"""Data that came about in the same way is one, so that what is found out about it counts for all of it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Object


class Alike:
    """What steps made of data: fifty overlays that put one namespace on a base get its objects' data once."""

    def __init__(self) -> None:
        """Nothing was made yet."""
        self._made: dict[tuple[int, Hashable], tuple[Plain, Plain]] = {}

    def __call__(self, before: Object, step: Hashable, after: Object) -> Object:
        """Return what a step made of an object, with the data that the step made of the same data before.

        Args:
            before: the object.
            step: what tells the step from others; with the data of `before` it settles the data of `after`.
            after: the object after it.
        """
        if after.data is before.data:
            return after
        # The data before is kept: other data must not get its id while this is in use.
        _, data = self._made.setdefault((id(before.data), step), (before.data, after.data))
        return after if data is after.data else replace(after, data=data)
