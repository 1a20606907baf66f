"""What stops a Kustomization before it is built: its path, its source, what it depends on, its own fields."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.graph import Applied, Graph
from fluxsecrets.repo.outcome import Effect, Outcome

from .store import Store


def check_kustomization(graph: Graph, applied: Applied, store: Store) -> Iterator[Outcome]:
    """What keeps Flux from building it.

    Args:
        graph: of the environment, for what it depends on and its source.
        applied: the Kustomization with what it applies.
        store: the Secrets that are in the cluster by then, such as the one with its decryption key.
    """
    del graph, store
    item = applied.kustomization
    if item is None:
        return
    if item.suspend:
        yield Outcome(
            Effect.UNKNOWN, "suspended", "it is suspended: Flux does not look at it", item.file, item.line
        )
    if applied.reason is not None:
        yield Outcome(Effect.UNKNOWN, "not-followed", applied.reason, item.file, item.line)
