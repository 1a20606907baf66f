"""What Flux would do with each Kustomization and file, and whether that is what its author wanted."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.audit.facts import Facts, Secret
from fluxsecrets.audit.judged import judged
from fluxsecrets.audit.rules import file_unreadable
from fluxsecrets.ops.run.names import name_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.environments import Environment, no_environment
from fluxsecrets.repo.tree import open_tree

from .accepting import Acceptances
from .gather import gather
from .verifymodel import NoClusterKey, Told, Verdict, Verification, Verifications, Verified
from .verifyrows import rows

_NO_KEY = "cluster-key-not-known"


def verify(
    session: Session, environment: str | None = None, *, with_keys: bool = True, strict: bool = False
) -> Verifications:
    """Say what Flux would do with each Kustomization of an environment, or of all.

    With keys, files are opened if possible, to check their MACs and find variables in values.

    Args:
        session: the run.
        environment: its name; None for all.
        with_keys: whether to decrypt.
        strict: what cannot be told counts as wrong.

    Raises:
        ConfigError: `.fluxsecrets.yaml` is invalid, there is no such environment, or none at all.
        GitError: git failed.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    facts = gather(session, tree, with_keys=with_keys, only=environment)
    if not facts.environments:
        raise no_environment(tree)
    settings = facts.settings.verify
    accepting = Acceptances(settings.accept if settings is not None else (), facts.today)
    found = tuple(_environment(facts, each, accepting) for each in facts.environments)
    remarks = accepting.remarks(complete=len(found) == len(facts.environment_names))
    return Verifications(tree.root, found, strict, remarks)


def _environment(facts: Facts, environment: Environment, accepting: Acceptances) -> Verification:
    items = rows(facts, environment)
    told = tuple(
        Told(each, tuple(items.get(id(each.applied), ())), accepting.of(each))
        for each in judged(facts, environment)
    )
    known = {item.path for each in told for item in each.items}
    known |= {outcome.path for each in told for outcome in each.judged.outcomes if outcome.path is not None}
    strays = tuple(_unreadable(facts, environment, known))
    unknown = {
        outcome.path
        for each in told
        for outcome in each.judged.outcomes
        if outcome.behaviour == _NO_KEY and outcome.path is not None
    }
    no_key = _no_cluster_key(facts, environment.name, unknown) if unknown else None
    return Verification(environment.name, told, environment.notes, strays, no_key)


def _no_cluster_key(facts: Facts, environment: str, paths: set[str]) -> NoClusterKey:
    secrets = [secret for secret in facts.secrets if secret.path in paths]
    names = (
        name_of(one, facts.names)
        for secret in secrets
        for group in (secret.metadata.recipients if secret.metadata is not None else ())
        for one in group
    )
    others = {_rule(secret) for secret in facts.whole.secrets if set(secret.environments) != {environment}}
    shared = {place for secret in secrets if (place := _rule(secret)) is not None and place in others}
    return NoClusterKey(len(paths), tuple(dict.fromkeys(names)), tuple(sorted(shared)))


def _rule(secret: Secret) -> str | None:
    if secret.rule is None or secret.config is None:
        return None
    return f"{secret.config.path}:{secret.rule.line}"


def _unreadable(facts: Facts, environment: Environment, known: set[str]) -> Iterator[Verified]:
    """Files that Flux would stop at, since they are not manifests."""
    for finding in file_unreadable.check(facts):
        place = finding.location
        if place.path in environment.graph.files and place.path not in known:
            yield Verified(
                place.path, place.line, "", "file", "", None, Verdict.FAILS, problem=finding.message
            )
