"""Who set which values of an object: what its `managedFields` tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fluxsecrets.repo.manifests import Plain, dig, maps, text

FLUX_MANAGER: Final = "kustomize-controller"
"""The field manager of Flux."""

_UNDONE: Final = ("kubectl", "before-first-apply")
"""What the names of field managers start with whose changes Flux undoes."""


@dataclass(frozen=True, slots=True)
class Manager:
    """A program that has set values of a Secret.

    Attributes:
        name: such as `kubectl-edit`.
        time: of its last change, in RFC 3339, or "".
        keys: in `data`, of the values that it has set.
    """

    name: str
    time: str
    keys: frozenset[str]

    @property
    def is_flux(self) -> bool:
        """Whether it is Flux."""
        return self.name == FLUX_MANAGER

    @property
    def is_undone(self) -> bool:
        """Whether Flux removes what it has added; the keys of other programs stay.

        Follows kustomize-controller's `applyOpts.Cleanup` and `matchFieldManager` of fluxcd/pkg's ssa.
        """
        return self.is_flux or self.name.startswith(_UNDONE)

    @property
    def shown(self) -> str:
        """With the time, if that is known."""
        return f"{self.name} at {self.time}" if self.time else self.name


def managers_of(data: Plain) -> Iterator[Manager]:
    """Return who has set values of a Secret."""
    for entry in maps(data, "metadata", "managedFields"):
        fields = dig(entry, "fieldsV1", "f:data")
        name = text(entry, "manager")
        if name is not None and isinstance(fields, dict):
            keys = frozenset(key.removeprefix("f:") for key in fields if key.startswith("f:"))
            yield Manager(name, text(entry, "time") or "", keys)


def last_of(managers: Iterable[Manager], keys: Iterable[str]) -> Manager | None:
    """Return who has changed one of these keys last; None if the cluster does not tell.

    Several may own a value that all of them have set to the same.
    """
    wanted = set(keys)
    found = [each for each in managers if wanted & each.keys]
    return max(found, key=lambda each: (each.time, not each.is_flux), default=None)
