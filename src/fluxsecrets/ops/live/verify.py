"""Compare an environment with its cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fluxsecrets.audit.facts import Facts
from fluxsecrets.cluster.dump import Dump
from fluxsecrets.cluster.kubectl import Kubectl
from fluxsecrets.cluster.model import ClusterReader
from fluxsecrets.cluster.saved import FILE, SavedDump
from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.ops.checks.gather import gather
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.checkout import resolve
from fluxsecrets.repo.environments import Environment, no_environment
from fluxsecrets.repo.settings import EnvironmentSettings
from fluxsecrets.repo.tree import Tree, open_tree

from .checks import CHECKS
from .model import Check, LiveFinding, LiveVerification
from .owncluster import require_own_cluster, shown_cluster
from .reading import key_reader, wanted
from .saving import dump_hasher, refuse_dump, save_dump
from .situation import Situation


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """What to compare with what.

    Attributes:
        environment: its name; None if there is only one.
        context: of the kubeconfig file; None takes that of the settings, or else the current one.
        kubeconfig: the file; None takes the user's.
        dump: a folder to read in place of a cluster.
        any_cluster: compare even if it seems to be another environment's.
        strict: what cannot be told counts as wrong.
        with_keys: whether to decrypt; without, no values are compared.
        save: a new folder for a dump without values, or None.
    """

    environment: str | None = None
    context: str | None = None
    kubeconfig: Path | None = None
    dump: Path | None = None
    any_cluster: bool = False
    strict: bool = False
    with_keys: bool = True
    save: Path | None = None


def verify_live(session: Session, request: LiveRequest, checks: Sequence[Check] = CHECKS) -> LiveVerification:
    """Compare an environment of the repository with its cluster. Nothing is changed.

    Raises:
        UsageError: there are several environments, and none was named.
        ConfigError: `.fluxsecrets.yaml` is invalid, or there is no such environment.
        ClusterError: the cluster can't be read, or is another environment's.
    """
    if request.save is not None:
        refuse_dump(request.save)
    tree = open_tree(session.cwd, limits=session.limits)
    facts = gather(session, tree, with_keys=request.with_keys, only=request.environment)
    environment = _environment(facts)
    facts = replace(facts, only=environment.name, given=(environment,), _made={})
    reader = _reader(session, request, facts.settings.environment(environment.name))
    cluster = reader.read(wanted(facts, environment))
    if request.context is None and request.dump is None and session.note is not None:
        why = f"as {SETTINGS_NAME} says" if cluster.origin.chosen else "the current context"
        session.note(f"comparing with {shown_cluster(cluster)} ({cluster.origin.server}), {why}")
    if not request.any_cluster:
        require_own_cluster(environment, cluster)
    situation = Situation(facts, environment, cluster, _head(tree))
    if request.save is not None:
        _save(session, situation, request.save)
    findings = tuple(finding for each in checks for finding in _run(each, situation))
    return LiveVerification(
        tree.root,
        environment.name,
        cluster.origin,
        tuple(each.info for each in checks),
        findings,
        kustomizations=sum(1 for _ in situation.kustomizations),
        secrets=situation.expected.count,
        strict=request.strict,
    )


def _head(tree: Tree) -> str | None:
    """The commit that is checked out."""
    if tree.repository is None or not tree.repository.has_head():
        return None
    return resolve(tree.repository, "HEAD")


def _environment(facts: Facts) -> Environment:
    found = facts.environments
    if not found:
        raise no_environment(facts.tree)
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise UsageError("a cluster is compared with one environment", hint=f"name it with --env: {names}")
    return found[0]


def _reader(session: Session, request: LiveRequest, settings: EnvironmentSettings | None) -> ClusterReader:
    read_keys = key_reader(session.environ)
    if request.dump is not None and (request.dump / FILE).is_file():
        hasher = dump_hasher(session, request.dump) if request.with_keys else None
        if hasher is None and session.warn is not None:
            session.warn("the hashes of the dump can't be used here, so that no values are compared")
        return SavedDump(request.dump, session.shown(request.dump), hasher)
    if request.dump is not None:
        return Dump(request.dump, session.shown(request.dump), session.limits, read_keys)
    kubeconfig = None if request.kubeconfig is None else str(request.kubeconfig)
    context = request.context or (settings.context if settings is not None else None)
    return Kubectl(session.environ, read_keys, context, kubeconfig)


def _run(check: Check, situation: Situation) -> Sequence[LiveFinding]:
    found: list[LiveFinding] = []
    try:
        found.extend(check.check(situation))
    except FluxsecretsError as error:
        found.append(check.info.unknown(None, str(error), hint=error.hint or ""))
    return found


def _save(session: Session, situation: Situation, folder: Path) -> None:
    has_hashes = save_dump(session, situation, folder)
    if session.note is not None:
        session.note(f"saved what was read of the cluster to {session.shown(folder)}")
    if not has_hashes and session.warn is not None:
        session.warn("nobody can read all files of the environment, so the dump has no hashes to compare")
