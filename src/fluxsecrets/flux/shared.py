"""What the verdicts on several environments have in common, found once."""

from __future__ import annotations

from collections.abc import Iterable

from .inspection import Inspections
from .listing import Listings
from .validity.problem import Check


class Shared:
    """Objects that were inspected, and kustomization files that were read."""

    def __init__(self, checks: Iterable[Check] = ()) -> None:
        """Take what the cluster's controllers refuse of an object, beside the API server."""
        self.inspections = Inspections(checks)
        self.listings = Listings()
