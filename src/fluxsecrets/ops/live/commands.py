"""Commands for the cluster that was read, as users paste them."""

from __future__ import annotations

from fluxsecrets.cluster.model import Origin
from fluxsecrets.shell import word


def flux(origin: Origin, *words: str) -> str:
    """Return a command of Flux's CLI, such as `flux reconcile kustomization apps -n flux-system`."""
    return _command("flux", origin, words)


def kubectl(origin: Origin, *words: str) -> str:
    """Return a command of kubectl."""
    return _command("kubectl", origin, words)


def _command(program: str, origin: Origin, words: tuple[str, ...]) -> str:
    """The context is named if the user named it: what is pasted must not reach another cluster."""
    context = ("--context", origin.context) if origin.context and origin.chosen else ()
    return " ".join((program, *map(word, (*words, *context))))
