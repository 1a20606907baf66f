"""How Flux reaches a Secret, and the kustomization file in which a proposal for it belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import ConfigError, UsageError
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.tree import parent


@dataclass(frozen=True, slots=True)
class Use:
    """One way in which Flux reaches a Secret.

    Attributes:
        environment: its name.
        applied: the Kustomization that applies the Secret.
        item: the Secret as it is built there.
    """

    environment: str
    applied: Applied = field(repr=False)
    item: Object = field(repr=False)

    @property
    def chain(self) -> tuple[str, ...]:
        """The kustomization files that bring it, the innermost first; none if Flux writes the only one."""
        return self.item.through

    @property
    def substituted(self) -> bool:
        """Whether Flux replaces variables in it."""
        return self.applied.kustomization is not None and self.applied.kustomization.post_build

    @property
    def folder(self) -> str:
        """The folder that is built."""
        return self.applied.folder or ""


def uses_of(environments: Iterable[Environment], path: str, part: int) -> tuple[Use, ...]:
    """Return how Flux reaches an object of a file.

    Args:
        environments: all of the repository.
        path: of the file, relative to the root.
        part: the YAML document, from 0.
    """
    return tuple(
        Use(environment.name, applied, item)
        for environment in environments
        for applied, item in environment.graph.objects
        if item.file == path and item.manifest is not None and item.manifest.index == part
    )


def choose_file(uses: Sequence[Use], environment: str | None, shown: Callable[[str], str]) -> str | None:
    """Return the kustomization file in which a proposal belongs.

    Args:
        uses: from `uses_of`.
        environment: the one that the proposal is for; None for all that have the Secret.
        shown: how to show a path.

    Returns:
        Its path, or None: no file brings the Secret, and Flux takes the folder as it is.

    Raises:
        ConfigError: Flux doesn't reach the Secret.
        UsageError: several kustomization files are possible, or none is the environment's own.
    """
    if not uses:
        raise ConfigError(
            "no Kustomization applies this Secret, so Flux would not apply a proposal for it either",
            hint="list the file under `resources` of a kustomization file that Flux builds; "
            "`fluxsecrets verify` shows what Flux applies",
        )
    if environment is not None:
        return _own_file(uses, environment, shown)
    innermost = list(dict.fromkeys(use.chain[0] if use.chain else None for use in uses))
    if len(innermost) > 1:
        names = " and ".join(
            sorted(shown(each or use.folder) for each, use in zip(innermost, uses, strict=False))
        )
        raise UsageError(
            f"Flux reaches the Secret in several ways: by {names}",
            hint="choose one with --kustomization FILE, or with --env NAME the one of an environment",
        )
    return innermost[0]


def named_file(uses: Sequence[Use], path: str, shown: Callable[[str], str]) -> str:
    """Return the kustomization file that the user named, if it brings the Secret.

    Raises:
        UsageError: it doesn't.
    """
    known = dict.fromkeys(file for use in uses for file in use.chain)
    if path not in known:
        names = ", ".join(map(shown, known)) or "none"
        raise UsageError(f"{shown(path)} doesn't bring this Secret", hint=f"those that do: {names}")
    return path


def _own_file(uses: Sequence[Use], environment: str, shown: Callable[[str], str]) -> str | None:
    """The innermost kustomization file that no other environment uses for the Secret."""
    own = [use for use in uses if use.environment == environment]
    if not own:
        names = ", ".join(dict.fromkeys(use.environment for use in uses))
        raise UsageError(f"Flux doesn't apply this Secret in {environment}", hint=f"it applies it in {names}")
    others = {file for use in uses if use.environment != environment for file in use.chain}
    found = list(dict.fromkeys(next((file for file in use.chain if file not in others), None) for use in own))
    if len(found) > 1:
        raise UsageError(
            f"several Kustomizations of {environment} apply this Secret",
            hint="choose a kustomization file with --kustomization FILE",
        )
    if found[0] is None and (len(uses) > len(own) or own[0].chain):
        raise UsageError(
            f"no kustomization file that brings this Secret is {environment}'s alone",
            hint=f"make an overlay for {environment} that lists {shown(parent(own[0].item.file))} under "
            "`resources`, and name it in the Kustomization's `path`",
        )
    return found[0]
