"""The kinds of manifests that values can be taken out of. A new one is a file and a line in `PLACES`."""

from __future__ import annotations

from typing import Final

from fluxsecrets.ops.extract.model import Place
from fluxsecrets.sops.document import Mapping

from . import configmap, helmrelease, podenv, valuesfile

PLACES: Final[tuple[Place, ...]] = (helmrelease.PLACE, configmap.PLACE, podenv.PLACE, valuesfile.PLACE)


def place_of(node: Mapping) -> Place | None:
    """Return the place of an object, or None: its values can't be extracted."""
    return next((place for place in PLACES if place.holds(node)), None)
