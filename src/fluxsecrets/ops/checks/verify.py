"""What Flux would do with each Kustomization and file, and whether that is what its author wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fluxsecrets.audit.beside import uses_in
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.judged import controller_of, judged
from fluxsecrets.audit.model import ConfigFile, Secret
from fluxsecrets.audit.rules import file_unreadable
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.environments import Environment, no_environment
from fluxsecrets.repo.othertools import notes_of
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.sops.naming import name_of

from .accepting import Acceptances
from .gather import gather
from .needs import needs
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
    no_key = _no_cluster_key(facts, environment, unknown) if unknown else None
    release = controller_of(facts, environment).release
    notes = (*environment.notes, *notes_of(uses_in(facts, environment)))
    return Verification(environment.name, told, notes, strays, no_key, needs(facts, environment), release)


def _no_cluster_key(facts: Facts, environment: Environment, paths: set[str]) -> NoClusterKey:
    secrets = [secret for secret in facts.secrets if secret.path in paths]
    names = (
        name_of(one, facts.names)
        for secret in secrets
        for group in (secret.metadata.recipients if secret.metadata is not None else ())
        for one in group
    )
    return NoClusterKey(len(paths), tuple(dict.fromkeys(names)), _shared_rules(facts, environment, secrets))


def _shared_rules(facts: Facts, environment: Environment, secrets: list[Secret]) -> tuple[str, ...]:
    """`file:line` of their rules that are for files outside of an environment too, where there are others."""
    if len(facts.environment_names) < 2:
        return ()
    rules = {(each.config.path, each.rule.line): each.config for each in secrets if each.config and each.rule}
    shared = [
        f"{path}:{line}"
        for (path, line), config in sorted(rules.items(), key=lambda each: each[0])
        if _manifests_of(facts, config).get(line, frozenset()) - environment.files
    ]
    return tuple(shared)


def _manifests_of(facts: Facts, config: ConfigFile) -> Mapping[int, frozenset[str]]:
    """The manifests that each rule of a file is for, by the rule's line; found once for all environments."""

    def make() -> dict[int, frozenset[str]]:
        found: dict[int, set[str]] = {}
        for path in facts.tree.paths:
            if path.lower().endswith(MANIFEST_SUFFIXES) and (rule := config.rule(path)) is not None:
                found.setdefault(rule.line, set()).add(path)
        return {line: frozenset(paths) for line, paths in found.items()}

    return facts.once(f"manifests by rule of {config.path}", make)


def _unreadable(facts: Facts, environment: Environment, known: set[str]) -> Iterator[Verified]:
    """Files that Flux would stop at, since they are not manifests."""
    for finding in facts.once("unreadable files", lambda: tuple(file_unreadable.check(facts))):
        place = finding.location
        if place.path in environment.graph.files and place.path not in known:
            yield Verified(
                place.path, place.line, "", "file", "", None, Verdict.FAILS, problem=finding.message
            )
