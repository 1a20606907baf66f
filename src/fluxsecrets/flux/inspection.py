"""What Flux makes of an object, and what is wrong with it that the object alone shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fluxsecrets.repo.manifests import Plain, Steps
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Outcome
from fluxsecrets.repo.perobject import PerObject

from .ciphertexts import ciphertexts
from .normalise import normalise
from .validity import check_object
from .validity.problem import Check


@dataclass(frozen=True, slots=True)
class Inspected:
    """What was found.

    Attributes:
        data: as it is applied. Not in the repr, since it holds values.
        wrong: what the API server and the checks of controllers refuse.
        ciphertexts: where `data` has ciphertexts.
    """

    data: Plain = field(repr=False, compare=False)
    wrong: tuple[Outcome, ...]
    ciphertexts: tuple[Steps, ...]


class Inspections:
    """Inspects objects; those that environments share, and nothing changes, once for all of them."""

    def __init__(self, checks: Iterable[Check] = ()) -> None:
        """Take the checks of controllers, beside those of the API server."""
        self._checks = tuple(checks)
        self._as_built = PerObject(lambda item: self._inspected(item, item.data))

    def of(self, item: Object, data: Plain) -> Inspected:
        """Inspect an object.

        Args:
            item: as it is built.
            data: the same after decryption and substitution.
        """
        return self._as_built(item) if data is item.data else self._inspected(item, data)

    def _inspected(self, item: Object, data: Plain) -> Inspected:
        applied = normalise(data)
        return Inspected(applied, tuple(check_object(item, data, self._checks)), tuple(ciphertexts(applied)))
