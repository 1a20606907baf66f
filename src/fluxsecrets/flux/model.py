"""Kustomizations and objects with what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fluxsecrets.repo.decryption import Treatment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome, worst
from fluxsecrets.repo.presentsettings import Present
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient

from .since import Fact, has, is_sure
from .versions import Controller


class Verdict(StrEnum):
    """What becomes of a Kustomization."""

    APPLIED = "applied"
    CIPHERTEXT = "ciphertext"
    FAILS = "fails"
    UNKNOWN = "unknown"


_VERDICTS = {
    Effect.FAILS: Verdict.FAILS,
    Effect.CIPHERTEXT: Verdict.CIPHERTEXT,
    Effect.UNKNOWN: Verdict.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is known of the cluster.

    Attributes:
        data_key: opens a `sops` block with the identities at hand; None where they can't.
        opens: whether the cluster's own keys open a `sops` block; None where nothing says which it has.
        controller: its kustomize-controller: version, flags and feature gates.
        present: Secrets and ConfigMaps that something else makes.
        mentions: the first file that Flux does not apply and that names something, such as a script that
            makes a Secret; None where no file does.
        without_keys: what to do about a Kustomization without private keys; "" where it may have some.
        changed: why the MAC of a file does not fit, or None; Flux does not check it.
        keys: the public keys whose private halves it has; empty where nothing says it.
        others: tools that may apply what no Kustomization syncs; empty if Flux applies anything.
    """

    data_key: Callable[[Metadata], DataKey | None] = field(default=lambda _: None, repr=False)
    opens: Callable[[Metadata], bool | None] = field(default=lambda _: None, repr=False)
    controller: Controller = field(default_factory=Controller)
    present: tuple[Present, ...] = ()
    mentions: Callable[[str], str | None] = field(default=lambda _: None, repr=False)
    without_keys: str = ""
    changed: Callable[[str], str | None] = field(default=lambda _: None, repr=False)
    keys: tuple[Recipient, ...] = ()
    others: tuple[str, ...] = ()

    def has(self, fact: Fact) -> bool:
        """Whether its version of Flux has a change; the newest one if nothing says which it is."""
        return has(self.controller.version, fact)

    def is_sure(self, fact: Fact) -> bool:
        """Whether that is certain."""
        return is_sure(self.controller.version, fact)


@dataclass(frozen=True, slots=True)
class SourceVerdict:
    """A file of a generator or patch that Flux looks at before it builds.

    Attributes:
        path: of the file.
        file, line: the kustomization file that names it, and where.
        format: in which Flux would decrypt it.
        treatment: what Flux does with it there. What is left may still be decrypted as a value of a Secret.
    """

    path: str
    file: str
    line: int
    format: str
    treatment: Treatment


@dataclass(frozen=True, slots=True)
class ObjectVerdict:
    """One object of a Kustomization.

    Attributes:
        item: as it is built: after patches, before decryption and substitution.
        data: as it is applied; None where that cannot be known. Not in the repr, since it holds values.
        treatment: what decryption does with it.
        substituted: whether substitution changes it.
        outcomes: what is wrong with it, in the order in which Flux would meet it.
        by_key: of a Secret what decryption does with each value that is a SOPS file.
        unopened: how many texts in it nobody at hand decrypts, in which Flux would replace variables.
    """

    item: Object
    data: Plain | None = field(repr=False, compare=False)
    treatment: Treatment
    substituted: bool = False
    outcomes: tuple[Outcome, ...] = ()
    by_key: Mapping[str, Treatment] = field(default_factory=dict)
    unopened: int = 0


@dataclass(frozen=True, slots=True)
class KustomizationVerdict:
    """One Kustomization, or a root that none syncs.

    Attributes:
        outcomes: all that is wrong, in the order in which Flux would meet it; of its objects too.
        sources: the files that Flux looks at before it builds.
    """

    applied: Applied
    objects: tuple[ObjectVerdict, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    sources: tuple[SourceVerdict, ...] = ()

    @property
    def unopened(self) -> int:
        """In how many texts of its objects it is not known whether there are variables."""
        return sum(each.unopened for each in self.objects)

    @property
    def wrong(self) -> bool:
        """Whether what reaches the cluster is known not to be what its author meant."""
        return any(each.effect is not Effect.UNKNOWN for each in self.outcomes)

    @property
    def decisive(self) -> Outcome | None:
        """What settles the verdict: the first of the worst."""
        return worst(self.outcomes)

    @property
    def verdict(self) -> Verdict:
        """Fails before ciphertext before unknown before applied."""
        decisive = self.decisive
        return Verdict.APPLIED if decisive is None else _VERDICTS.get(decisive.effect, Verdict.APPLIED)
