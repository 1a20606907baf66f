"""Prove that Flux applies what a change of files leads to, before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, UnprotectedError
from fluxsecrets.flux.judge import judge
from fluxsecrets.flux.masking import applied_data
from fluxsecrets.flux.model import Cluster, KustomizationVerdict, Verdict
from fluxsecrets.flux.normalise import normalise
from fluxsecrets.flux.since import PATCHES, has
from fluxsecrets.flux.versions import controller_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.decryption import Fate
from fluxsecrets.repo.environments import Environment, list_environments, load_environment, places_of
from fluxsecrets.repo.kustomize.build import Builder
from fluxsecrets.repo.manifests import Plain
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.settings import Settings
from fluxsecrets.repo.sourceignore import artifact
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.cipher import DataKey
from fluxsecrets.sops.envelope import open_data_key
from fluxsecrets.sops.metadata import Metadata

Place = tuple[str, str]
"""An environment's name, and a Kustomization in it."""

_WRONG = (Effect.FAILS, Effect.CIPHERTEXT)


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdicts of all environments.

    Attributes:
        verdicts: by environment and Kustomization.
        versions: of Flux by environment, where the repository says it.
    """

    verdicts: Mapping[Place, KustomizationVerdict]
    versions: Mapping[str, str | None]

    def named(self, files: frozenset[str]) -> Iterator[tuple[Place, KustomizationVerdict]]:
        """The verdicts of the Kustomizations that read one of some files."""
        return ((place, each) for place, each in self.verdicts.items() if files & each.applied.files)

    def substitutes(self, path: str) -> bool:
        """Whether some Kustomization replaces variables in the objects of a file."""
        return any(
            each.applied.kustomization is not None and each.applied.kustomization.post_build
            for _, each in self.named(frozenset({path}))
        )


def judge_all(session: Session, environments: Iterable[Environment], settings: Settings) -> Judged:
    """Say what Flux makes of environments, as if each cluster had a key for every file.

    Whether it has is the same before and after a proposal, which is for the recipients of its Secret.
    """
    verdicts: dict[Place, KustomizationVerdict] = {}
    versions: dict[str, str | None] = {}
    for environment in environments:
        own = settings.environment(environment.name)
        controller = controller_of(environment, settings, session.flux_version)
        versions[environment.name] = controller.version
        cluster = Cluster(
            lambda metadata: _data_key(session, metadata),
            lambda metadata: True,
            controller=controller,
            present=own.in_cluster if own is not None else (),
        )
        for verdict in judge(environment.graph.tree, environment.graph, cluster):
            name = "/".join(part for part in verdict.applied.key or () if part) or environment.root_path
            verdicts[environment.name, name] = verdict
    return Judged(verdicts, versions)


def load_only(
    tree: Tree, settings: Settings, files: frozenset[str], names: Collection[str] = ()
) -> Iterator[Environment]:
    """Load the environments that read one of some files, or have one of some names."""
    roots = list_environments(tree, settings)
    builder, places = Builder(artifact(tree)), places_of(tree, roots)
    for root in roots:
        found = load_environment(tree, root, settings, builder, places)
        if root.name in names or files & found.graph.files:
            yield found


def _data_key(session: Session, metadata: Metadata) -> DataKey | None:
    try:
        return open_data_key(metadata, session.providers)
    except FluxsecretsError:
        return None


def refuse_worse(before: Judged, after: Judged, files: frozenset[str], allowed: Collection[str] = ()) -> None:
    """Refuse a change with which Flux would apply less than without it.

    Args:
        before: the verdicts without the change.
        after: those with it.
        files: that change; only Kustomizations that read one of them are looked at.
        allowed: files whose objects may be applied as ciphertext.

    Raises:
        UnprotectedError: Flux would refuse something, or apply a ciphertext; with its reason.
    """
    for place, verdict in after.named(files):
        known = before.verdicts.get(place)
        old = {_sign(each) for each in known.outcomes} if known is not None else set()
        for outcome in verdict.outcomes:
            if outcome.effect is Effect.CIPHERTEXT and outcome.path in allowed:
                continue
            if outcome.effect in _WRONG and _sign(outcome) not in old:
                raise UnprotectedError(
                    f"Flux would not apply it in {place[0]}: {outcome.reason}",
                    path=outcome.path,
                    line=outcome.line,
                    hint=outcome.hint or "nothing was written",
                )


def _sign(outcome: Outcome) -> tuple[str, str]:
    return outcome.behaviour, outcome.reason


def failing(after: Judged, files: frozenset[str]) -> Iterator[str]:
    """Return a sentence for each Kustomization that reads one of some files, and that Flux doesn't apply."""
    for (environment, name), verdict in after.named(files):
        decisive = verdict.decisive
        if verdict.verdict is Verdict.FAILS and decisive is not None:
            yield f"Flux doesn't apply {name} of {environment} as it is: {decisive.reason}"


def refuse_undecrypted(after: Judged, path: str) -> None:
    """Refuse a patch that some Kustomization would read without decrypting it.

    Args:
        after: the verdicts with the patch.
        path: of it.

    Raises:
        UnprotectedError: that, with the reason.
    """
    for (environment, name), verdict in after.named(frozenset({path})):
        version = after.versions[environment]
        if not has(version, PATCHES):
            raise UnprotectedError(
                f"{environment} has Flux {version}, which doesn't decrypt the files of `patches`",
                hint=f"use Flux {PATCHES.shown} or newer, or ask a holder of a key to set the value",
            )
        fates = [source.treatment.fate for source in verdict.sources if source.path == path]
        if fates != [Fate.DECRYPTED]:
            raise UnprotectedError(
                f"Kustomization {name} of {environment} would apply the value as ciphertext: it doesn't "
                "decrypt the files of `patches`",
                hint="add `decryption` to it; `fluxsecrets verify` shows what Flux decrypts",
            )


def changed_objects(
    before: Judged, after: Judged, files: frozenset[str], besides: frozenset[str]
) -> tuple[str, ...]:
    """Return what Flux would apply in another form after a change, such as `staging: Secret apps/db`.

    Args:
        before: the verdicts without the change.
        after: those with it.
        files: that change.
        besides: files with objects that are to change.
    """
    places = {place for judged in (before, after) for place, _ in judged.named(files)}
    found: list[str] = []
    for place in sorted(places):
        old, new = (_objects(judged.verdicts.get(place), besides) for judged in (before, after))
        known = before.verdicts.get(place)
        if known is not None and known.verdict is not Verdict.FAILS:  # of one that fails, nothing is applied
            found += [f"{place[0]}: {key}" for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return tuple(found)


def _objects(verdict: KustomizationVerdict | None, besides: frozenset[str]) -> dict[str, Plain]:
    """What is applied, by kind, namespace and name; without the objects of some files."""
    found: dict[str, Plain] = {}
    for each in verdict.objects if verdict is not None else ():
        item = each.item
        if item.file in besides:
            continue
        place = f"{item.namespace}/{item.name}" if item.namespace else item.name
        found[f"{item.kind} {place}"] = normalise(applied_data(each))
    return found
