"""What `init` is asked, and the plan that it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.ops.newenv.draft import Draft
from fluxsecrets.ops.people.keystore import Keeping, Store
from fluxsecrets.sops.recipients import Recipient

if TYPE_CHECKING:
    from fluxsecrets.keys.keyfile import AgeIdentity


class Action(StrEnum):
    """What becomes of something."""

    CREATE = "create"
    CHANGE = "change"
    KEEP = "keep"
    SKIP = "skip"
    YOURS = "yours"


@dataclass(frozen=True, slots=True)
class InitRequest:
    """What is wanted.

    Attributes:
        skip: ids of steps that are left out.
        name: of the person who runs it; None finds one.
        identity: the public key, or its name, of that person's identity; None finds or makes one.
        readers: names or keys of others who can read what gets a new rule.
        store, output: where new identities are kept, see `Keeping`.
        ci: the forge whose job is written; None finds it.
        baseline: accept the findings that encrypting does not fix.
    """

    skip: tuple[str, ...] = ()
    name: str | None = None
    identity: str | None = None
    readers: tuple[str, ...] = ()
    store: str = Store.FILE
    output: Path | None = None
    ci: str | None = None
    baseline: bool = False

    @property
    def keeping(self) -> Keeping:
        """Where new identities are kept."""
        return Keeping(None, Store(self.store), self.output)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the plan.

    Attributes:
        step: id of the step.
        action: `yours` is for the user to do.
        subject: a path as shown to the user, or a name.
        what: what is done, or why nothing is; lower-case start, no full stop.
        hint: what the user can do, or "".
        details: more lines about it, such as the rules.
        path: the file that it is about, as shown to the user, or "".
    """

    step: str
    action: Action
    subject: str
    what: str
    hint: str = ""
    details: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """A person or a cluster, and the identity.

    Attributes:
        name: of the key: `keys/NAME.pub`.
        environment: the cluster's; None for a person.
        place: where the private key is, or will be; "" if it is not at hand.
        made: the identity, if it is made here.
        claimed: nothing but a file of the repository says that it is the cluster's, and it would get access.
    """

    name: str
    recipient: Recipient
    environment: str | None = None
    place: str = ""
    made: AgeIdentity | None = field(default=None, repr=False)
    claimed: bool = False


@dataclass(frozen=True, slots=True)
class HandEdit:
    """A change of a manifest for the user to make, since `init` changes none.

    Attributes:
        path, line: the manifest, as shown to the user, and the object's line.
        name: of the Kustomization.
        lines: the YAML to add to its `spec`.
    """

    path: str
    line: int | None
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """A command to run next, and what it is for."""

    line: str
    why: str


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What a step would do.

    Attributes:
        finish: runs after the files are written, and returns notes for the user.
    """

    items: tuple[Item, ...] = ()
    finish: Callable[[], tuple[str, ...]] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class InitPlan:
    """What `init` would do; nothing has been done.

    Attributes:
        root: the repository's folder, as shown to the user.
        environments: their names.
        plain: secrets in plain text, as shown to the user.
        committed: those of them that git has in plain text, too.
        holders: people and clusters with a key.
        candidates: people whose keys are here, and who get no access to what has a new rule.
    """

    root: str
    environments: tuple[str, ...]
    plain: tuple[str, ...]
    committed: tuple[str, ...]
    holders: tuple[Holder, ...]
    items: tuple[Item, ...]
    edits: tuple[HandEdit, ...]
    next: tuple[Command, ...]
    warnings: tuple[str, ...]
    candidates: tuple[str, ...]
    keeping: Keeping
    draft: Draft = field(repr=False)
    finish: tuple[Callable[[], tuple[str, ...]], ...] = field(repr=False)

    @property
    def made(self) -> tuple[AgeIdentity, ...]:
        """The identities that are made."""
        return tuple(each.made for each in self.holders if each.made is not None)

    @property
    def claimed(self) -> tuple[Holder, ...]:
        """Those who would get access, although only a file of the repository says whose key it is."""
        return tuple(each for each in self.holders if each.claimed)

    @property
    def is_empty(self) -> bool:
        """There is nothing to do."""
        return not any(each.action in (Action.CREATE, Action.CHANGE) for each in self.items)
