"""Scopes bind a sealed value to its place; annotations set them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from fluxsecrets.errors import UsageError

PREFIX = "sealedsecrets.bitnami.com/"
NAMESPACE_WIDE = f"{PREFIX}namespace-wide"
CLUSTER_WIDE = f"{PREFIX}cluster-wide"


class Scope(StrEnum):
    """How far a sealed value may be moved.

    STRICT: only under its own name in its own namespace.
    NAMESPACE: under any name in its namespace.
    CLUSTER: anywhere in the cluster.
    """

    STRICT = "strict"
    NAMESPACE = "namespace-wide"
    CLUSTER = "cluster-wide"


def parse_scope(text: str) -> Scope:
    """Return a scope by its name.

    Raises:
        UsageError: the name is unknown.
    """
    try:
        return Scope(text)
    except ValueError:
        names = ", ".join(Scope)
        raise UsageError(f"unknown scope {text!a}", hint=f"the scopes are {names}") from None


def scope_of(annotations: Mapping[str, str]) -> Scope:
    """Return the scope in annotations. cluster-wide takes precedence, and only the text `true` counts."""
    if annotations.get(CLUSTER_WIDE) == "true":
        return Scope.CLUSTER
    if annotations.get(NAMESPACE_WIDE) == "true":
        return Scope.NAMESPACE
    return Scope.STRICT


def annotations_for(scope: Scope) -> dict[str, str]:
    """Return the annotations for a scope; strict has none."""
    names = {Scope.NAMESPACE: NAMESPACE_WIDE, Scope.CLUSTER: CLUSTER_WIDE}
    return {names[scope]: "true"} if scope in names else {}


def with_scope(annotations: Mapping[str, str], scope: Scope) -> dict[str, str]:
    """Return annotations that set a scope.

    Annotations that already set it stay as they are, like in kubeseal: even a second one that does not count.
    """
    if scope_of(annotations) is scope:
        return dict(annotations)
    kept = {key: text for key, text in annotations.items() if key not in (CLUSTER_WIDE, NAMESPACE_WIDE)}
    return {**kept, **annotations_for(scope)}


def label_of(scope: Scope, namespace: str, name: str) -> bytes:
    """Return the OAEP label that binds a value to its place.

    The namespace is not used with cluster-wide; the name is used only with strict.
    """
    if scope is Scope.CLUSTER:
        return b""
    return (namespace if scope is Scope.NAMESPACE else f"{namespace}/{name}").encode()
