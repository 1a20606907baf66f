"""What Flux would do: `verify`, `render`, `review`."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from .common import Note, Severity
from .findings import Remark


class Outcome(TypedDict):
    """One thing that is wrong."""

    effect: Literal["fails", "ciphertext", "unknown", "altered"]
    behaviour: str
    """Its name in docs/flux.md."""
    reason: str
    path: str | None
    line: int | None
    hint: str
    accepted: str | None
    """Why the team accepts it, or null."""


class VerifiedObject(TypedDict):
    """An object, and what Flux makes of it."""

    environment: str
    path: str
    line: int | None
    kustomization: str
    """The Kustomization that applies it."""
    kind: str
    """Empty for a patch."""
    name: str
    namespace: str | None
    verdict: Literal[
        "decrypted",
        "applied",
        "plain Secret",
        "sealed",
        "external",
        "ciphertext",
        "cannot tell",
        "fails",
        "not applied",
    ]
    format: str | None
    """That Flux decrypts it as."""
    keys: list[str]
    substituted: bool
    """Variables in it are replaced."""
    problem: str | None
    """Why the author can't have wanted this."""
    behaviour: str | None
    """Which of the outcomes that is; null if none says it."""
    note: str


class KustomizationVerdict(TypedDict):
    """A Kustomization, and what becomes of it."""

    environment: str
    name: str | None
    """Null for a root that no Kustomization syncs."""
    namespace: str | None
    path: str | None
    """Its spec.path."""
    file: str | None
    """Where it is written."""
    line: int | None
    verdict: Literal["applied", "ciphertext", "fails", "unknown"]
    reason: str | None
    """Of the verdict, in the controller's words where it has some."""
    outcomes: list[Outcome]
    """All that is wrong with it or its objects, in the order in which Flux would meet it."""
    objects: list[VerifiedObject]


class FluxRelease(TypedDict):
    """The version of Flux that an environment has."""

    version: str
    """Such as 2.9.1, or a range such as 2.x."""
    by: str
    """What says so."""
    file: str | None
    """Where; null for an option."""
    line: int | None


class Permission(TypedDict):
    """What the controller has to be allowed to decrypt with."""

    environment: str
    action: str
    """Such as kms:Decrypt."""
    key: str
    role: str | None
    """The role that is assumed for it."""
    by: str
    """Whose credentials are used."""
    files: list[str]


class UnknownClusterKey(TypedDict):
    """An environment whose cluster's key is unknown."""

    environment: str
    files: int
    recipients: list[str]
    """Whom these files are for."""
    shared_rules: list[str]
    """Rules that are for files of other environments, too."""


class Verification(TypedDict):
    """What Flux would do with the Kustomizations."""

    environment: str | None
    """Null if there are several."""
    environments: list[str]
    flux: dict[str, FluxRelease | None]
    """The version of Flux of each environment; null if nothing says it, and the newest is assumed."""
    strict: bool
    """What cannot be told counts as wrong."""
    kustomizations: list[KustomizationVerdict]
    """Each Kustomization with what becomes of it, in the order in which Flux applies them."""
    items: list[VerifiedObject]
    """The objects of all Kustomizations in one list, and files that Flux would stop at."""
    notes: list[Note]
    """What was not analysed."""
    needs: list[Permission]
    """What the controller has to be allowed, to decrypt with keys that services hold."""
    no_cluster_key: list[UnknownClusterKey]
    """It is unknown whether the cluster can read some files: nothing says which key it has."""
    remarks: list[Remark]
    """Entries of `accept` that are expired, unused or invalid."""
    summary: dict[str, int]
    """Number of files and objects by verdict, and of what is `wrong`, `unknown` and `accepted`.

    `unopened` counts encrypted values that may hold variables.
    """
    verdicts: dict[str, int]
    """How many Kustomizations there are of each verdict."""


class RenderProblem(TypedDict):
    """What is wrong with a Kustomization."""

    effect: Literal["fails", "ciphertext", "unknown"]
    behaviour: str
    reason: str
    path: str | None
    line: int | None


class RenderedObject(TypedDict):
    """An object as Flux would apply it."""

    path: str
    line: int
    through: list[str]
    """The kustomization files that bring it, the innermost first."""
    patched_by: list[str]
    """File:line of each patch that changed it."""
    unknown: list[str]
    """Where its values are not known; they are null."""
    object: dict[str, Any]


class RenderedKustomization(TypedDict):
    """A Kustomization with its objects."""

    name: str
    """NAMESPACE/NAME; of a root that none syncs, its folder."""
    verdict: Literal["applied", "ciphertext", "fails", "unknown"]
    problems: list[RenderProblem]
    objects: list[RenderedObject]
    """In the order in which Flux applies them; none of a Kustomization that fails."""


class Rendering(TypedDict):
    """What Flux would apply."""

    environment: str
    with_values: bool
    """The values of Secrets are not hidden."""
    kustomizations: list[RenderedKustomization]
    """In the order in which Flux applies them."""


class ReviewItem(TypedDict):
    """One thing that the change does."""

    kind: str
    """A heading of docs/review.md."""
    severity: Severity
    environments: list[str]
    """Empty if the file belongs to none."""
    path: str
    line: int | None
    """After the change; null for the whole file."""
    object: str | None
    """Such as `Secret apps/database`."""
    title: str
    details: list[str]
    hint: str | None
    anchor: str
    """Stays while lines move and commits are pushed."""


class ReviewAccess(TypedDict):
    """Who gains and loses access."""

    environment: str
    who: str
    recipient: str
    gained: list[str]
    lost: list[str]


class ReviewSummary(TypedDict):
    """Counts."""

    files: int
    """Changed files."""
    items: int
    critical: int
    high: int
    medium: int
    low: int


class Review(TypedDict):
    """What `review` says a change does to secrets."""

    range: str
    """The two states as the user would name them."""
    base: str
    """Id of a commit, or what else is compared."""
    head: str
    environments: list[str]
    """Those before and after the change."""
    items: list[ReviewItem]
    """By environment, the most severe first."""
    access: list[ReviewAccess]
    """Who gains or loses access."""
    unseen: list[str]
    """What could not be looked at."""
    fail_on: Severity | None
    fails: bool
    summary: ReviewSummary
