"""Scopes: what a sealed value is bound to, and the annotations that say so."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from fluxsecrets.errors import UsageError

PREFIX = "sealedsecrets.bitnami.com/"
NAMESPACE_WIDE = f"{PREFIX}namespace-wide"
CLUSTER_WIDE = f"{PREFIX}cluster-wide"


class Scope(StrEnum):
    """How far a sealed value may be moved.

    STRICT: it opens under its own name in its own namespace only.
    NAMESPACE: under any name in its namespace.
    CLUSTER: anywhere in the cluster.
    """

    STRICT = "strict"
    NAMESPACE = "namespace-wide"
    CLUSTER = "cluster-wide"


def parse_scope(text: str) -> Scope:
    """A scope by its name.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        return Scope(text)
    except ValueError:
        names = ", ".join(Scope)
        raise UsageError(f"there is no scope {text!a}", hint=f"the scopes are {names}") from None


def scope_of(annotations: Mapping[str, str]) -> Scope:
    """The scope that annotations say; cluster-wide wins, and only the text `true` counts."""
    if annotations.get(CLUSTER_WIDE) == "true":
        return Scope.CLUSTER
    if annotations.get(NAMESPACE_WIDE) == "true":
        return Scope.NAMESPACE
    return Scope.STRICT


def annotations_for(scope: Scope) -> dict[str, str]:
    """The annotations that say a scope; strict needs none."""
    names = {Scope.NAMESPACE: NAMESPACE_WIDE, Scope.CLUSTER: CLUSTER_WIDE}
    return {names[scope]: "true"} if scope in names else {}


def label_of(scope: Scope, namespace: str, name: str) -> bytes:
    """The OAEP label that binds a value to its place.

    Args:
        scope: of the SealedSecret.
        namespace: of the Secret; a cluster-wide one needs none.
        name: of the Secret; only a strict one needs it.
    """
    if scope is Scope.CLUSTER:
        return b""
    return (namespace if scope is Scope.NAMESPACE else f"{namespace}/{name}").encode()
