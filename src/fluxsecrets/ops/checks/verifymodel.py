"""The results of `verify`: environments, Kustomizations and objects with their verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from fluxsecrets.findings.allow import Remark
from fluxsecrets.flux.model import KustomizationVerdict
from fluxsecrets.flux.release import Release
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import Note
from fluxsecrets.repo.verifysettings import Acceptance

from .needs import Need


class Verdict(StrEnum):
    """What becomes of a file or object in the cluster."""

    DECRYPTED = "decrypted"
    APPLIED = "applied"
    PLAIN = "plain Secret"
    SEALED = "sealed"
    EXTERNAL = "external"
    CIPHERTEXT = "ciphertext"
    CANNOT_TELL = "cannot tell"
    FAILS = "fails"
    NOT_APPLIED = "not applied"


@dataclass(frozen=True, slots=True)
class Verified:
    """One file or object.

    Attributes:
        path, line: where it is written; no line for a file that a generator or patch reads.
        kustomization: the Kustomization that applies it, or "" for a root that none syncs.
        kind, name, namespace: of the object, or of the one that is generated from it; "" for a patch.
        format: that Flux decrypts it as, or None.
        keys: the names of the recipients whose keys the cluster has, if that is known; else the Secret
            with the key.
        substituted: variables in it are replaced.
        problem: why it is not what its author wanted, or None.
        behaviour: which of the Kustomization's outcomes that is, by its name; None if no outcome says it.
    """

    path: str
    line: int | None
    kustomization: str
    kind: str
    name: str
    namespace: str | None
    verdict: Verdict
    format: str | None = None
    keys: tuple[str, ...] = ()
    substituted: bool = False
    problem: str | None = None
    behaviour: str | None = None
    note: str = ""

    @property
    def wrong(self) -> bool:
        """Whether it is known not to be what its author wanted."""
        return self.problem is not None and self.verdict is not Verdict.CANNOT_TELL


@dataclass(frozen=True, slots=True)
class NoClusterKey:
    """Nothing says which key an environment's cluster has.

    Attributes:
        files: how many files depend on it.
        recipients: names of those whom these files are for.
        shared_rules: `file:line` of the rules of these files that are for files of other environments too.
    """

    files: int
    recipients: tuple[str, ...]
    shared_rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A Kustomization, or a root that none syncs, with what becomes of it and of its objects.

    Attributes:
        items: in the order in which they are applied.
        accepted: which of its outcomes the team knows of.
    """

    judged: KustomizationVerdict
    items: tuple[Verified, ...] = ()
    accepted: Mapping[Outcome, Acceptance] = field(default_factory=dict)

    @property
    def rest(self) -> tuple[Outcome, ...]:
        """The outcomes that are not accepted."""
        return tuple(each for each in self.judged.outcomes if each not in self.accepted)

    @property
    def of_itself(self) -> tuple[Outcome, ...]:
        """The outcomes that are not those of one of its objects."""
        of_objects = {outcome for each in self.judged.objects for outcome in each.outcomes}
        return tuple(each for each in self.judged.outcomes if each not in of_objects)


@dataclass(frozen=True, slots=True)
class Verification:
    """An environment as Flux would apply it.

    Attributes:
        told: its Kustomizations in the order in which they are applied.
        strays: files that Flux would stop at, of which it is not known which Kustomization they are in.
        no_cluster_key: why there are files of which it cannot be told whether the cluster can read them.
        needs: what the controller has to be allowed for keys that services hold.
        release: the version of Flux that it was judged by, and what says so; None where nothing does.
    """

    environment: str
    told: tuple[Told, ...]
    notes: tuple[Note, ...]
    strays: tuple[Verified, ...] = ()
    no_cluster_key: NoClusterKey | None = None
    needs: tuple[Need, ...] = ()
    release: Release | None = None

    @property
    def items(self) -> tuple[Verified, ...]:
        """All files and objects."""
        return (*(item for each in self.told for item in each.items), *self.strays)

    @property
    def alone(self) -> tuple[Verified, ...]:
        """Files and objects with a problem that no outcome says."""
        return tuple(item for item in self.items if item.problem is not None and item.behaviour is None)

    @property
    def untold(self) -> tuple[Note, ...]:
        """What was not followed or understood, and that no outcome says."""
        told = {outcome.path for each in self.told for outcome in each.judged.outcomes}
        told |= {item.path for item in self.strays}
        # Flux passes templates over; what another tool makes of them is in the repository, or not Flux's.
        return tuple(note for note in self.notes if note.path not in told and not note.path.endswith(".j2"))

    @property
    def wrong(self) -> int:
        """How many things are known not to be what their author wanted."""
        outcomes = sum(outcome.effect is not Effect.UNKNOWN for each in self.told for outcome in each.rest)
        return outcomes + sum(item.wrong for item in self.alone)

    @property
    def unknown(self) -> int:
        """How many things cannot be told."""
        outcomes = sum(outcome.effect is Effect.UNKNOWN for each in self.told for outcome in each.rest)
        items = sum(item.verdict is Verdict.CANNOT_TELL for item in self.alone)
        return outcomes + items + len(self.untold)

    @property
    def unopened(self) -> int:
        """In how many texts it is not known whether there are variables that Flux would replace."""
        return sum(each.judged.unopened for each in self.told)

    @property
    def accepted(self) -> int:
        """How many things the team knows of."""
        return sum(len(each.accepted) for each in self.told)


@dataclass(frozen=True, slots=True)
class Verifications:
    """Environments as Flux would apply them.

    Attributes:
        strict: what cannot be told counts as wrong.
        remarks: on entries of `accept` that are expired, unused or invalid.
    """

    root: Path
    environments: tuple[Verification, ...]
    strict: bool = False
    remarks: tuple[Remark, ...] = ()

    @property
    def kustomizations(self) -> tuple[KustomizationVerdict, ...]:
        """The verdicts of all Kustomizations."""
        return tuple(each.judged for _, each in self.told)

    @property
    def told(self) -> Iterator[tuple[Verification, Told]]:
        """Every Kustomization, with its environment."""
        return ((one, each) for one in self.environments for each in one.told)

    @property
    def exit_code(self) -> int:
        """0 where all turns out as its author wanted, 1 otherwise.

        That nothing says which key a cluster has is for its author to say, and never 0.
        """
        return 1 if any(map(self._is_wrong, self.environments)) else 0

    def _is_wrong(self, one: Verification) -> bool:
        return bool(one.wrong or one.no_cluster_key or (self.strict and one.unknown))
