"""Objects by what they are called, so that a patch finds the one that it names among thousands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fluxsecrets.repo.manifests import Plain, dig
from fluxsecrets.repo.objects import Object

from .patches import is_for


class Called:
    """Objects that patches without a target change, one patch after the other.

    Names are never forgotten: a patch may use those that an object had before.
    """

    def __init__(self, objects: Iterable[Object]) -> None:
        """Take the objects in their order."""
        self._objects: list[Object | None] = list(objects)
        self._places: dict[str, dict[int, None]] = {}
        for place, item in enumerate(self._objects):
            if item is not None:
                self._note(place, item)

    def __iter__(self) -> Iterator[Object]:
        """The objects in their order."""
        return (item for item in self._objects if item is not None)

    def meant(self, merge: Plain) -> list[tuple[int, Object]]:
        """The objects that a document of a patch is for, each with its place."""
        found = []
        for place in self._places.get(str(dig(merge, "metadata", "name")), ()):
            item = self._objects[place]
            if item is not None and is_for(merge, item.data, item.all_names):
                found.append((place, item))
        return found

    def put(self, place: int, item: Object | None) -> None:
        """Put the changed object in the place that it had; None where it is deleted."""
        self._objects[place] = item
        if item is not None:
            self._note(place, item)

    def _note(self, place: int, item: Object) -> None:
        for _, name in item.all_names:
            self._places.setdefault(name, {})[place] = None
