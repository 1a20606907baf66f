"""Compose an overview of what other operations know."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from fluxsecrets.audit.facts import Facts
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.checks.audit import AuditOptions, audit_with_facts
from fluxsecrets.ops.checks.matrix import matrix
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git.history import read_commits
from fluxsecrets.repo.git.worktree import changes_since_head

from .environments import view_environments
from .lifetimes import lifetimes
from .model import Overview, RepositoryState


def overview(session: Session, options: AuditOptions, now: datetime) -> Overview:
    """Audit the repository that the working directory is in, and gather what a reader asks next.

    Args:
        session: the run.
        options: of the audit; `today` is taken from `now`.
        now: the time of the audit, in UTC.

    Raises:
        UsageError: the options ask for the findings of a range: the rest has no state "between commits".
        ConfigError, GitError: see `audit`.
    """
    if options.commits is not None:
        raise UsageError(
            "--format html shows a repository as it is, so it can't be combined with --range",
            hint="leave out --range, or use --format markdown",
        )
    result, facts = audit_with_facts(session, replace(options, today=now.date()))
    return Overview(
        repository=_repository(facts),
        made=now,
        environment=options.environment,
        rules=tuple(options.rules or ()),
        severity=options.severity,
        audit=result,
        matrix=matrix(facts),
        environments=view_environments(session, facts),
        lifetimes=lifetimes(facts),
        belongs=_belongs(facts),
        with_scanned=options.with_scanned,
    )


def _repository(facts: Facts) -> RepositoryState:
    name = facts.tree.root.resolve().name
    repository = facts.tree.repository
    if repository is None:
        return RepositoryState(name)
    cut_off = bool(repository.cut_off_at())
    if not repository.has_head():
        return RepositoryState(name, cut_off=cut_off)
    commit = repository.run("rev-parse", "--verify", "HEAD^{commit}").decode("ascii").strip()
    known = read_commits(repository, (commit,)).get(commit)
    day = known.day if known is not None and known.day != date.min else None
    secrets = {secret.path for secret in facts.secrets}
    # A new file counts if it is a secret: the last report may lie there, too.
    changed = any(before or path in secrets for path, before in changes_since_head(repository).items())
    return RepositoryState(name, commit, day, changed, cut_off)


def _belongs(facts: Facts) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for environment in facts.environments:
        for path in sorted(environment.files | environment.generator_files.keys()):
            found.setdefault(path, []).append(environment.name)
    return {path: tuple(names) for path, names in found.items()}
