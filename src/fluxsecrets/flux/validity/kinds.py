"""The Go types of Kubernetes' own kinds, as kustomize-controller's client-go has them.

`kinds.json` is written by `scripts/kinds/main.go`. It has the stable versions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    Shape = Any
else:
    Shape = object
"""A scalar's Go type, `bytes` or `any`; `.NAME` of a struct; `["map", SHAPE]` or `["list", SHAPE]`."""

RBAC: Final = "rbac.authorization.k8s.io/v1"
AS_WRITTEN: Final = frozenset({(RBAC, "Role"), (RBAC, "ClusterRole")})
"""Kinds that Flux applies as they are written (`UnstructuredList` of fluxcd/pkg/ssa/normalize)."""

COMPLETE: Final = frozenset({"v1", "apps/v1", "batch/v1", "networking.k8s.io/v1", "policy/v1", RBAC})
"""Versions to which no newer Kubernetes adds kinds."""


def shape_of(kind: tuple[str, str]) -> str | None:
    """The struct of an API version and kind; None for kinds that are not known."""
    version, name = kind
    found: str | None = _tables()["kinds"].get(f"{version}/{name}")
    return found


def fields_of(struct: str) -> Mapping[str, Shape]:
    """The fields of a struct."""
    found: Mapping[str, Shape] = _tables()["structs"][struct.removeprefix(".")]
    return found


@cache
def _tables() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("kinds.json").read_text("utf-8"))
    return loaded
