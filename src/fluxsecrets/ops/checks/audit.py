"""Audit a repository: run the rules over its facts, and set aside what is allowed or known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from fluxsecrets.audit.beside import other_uses, uses_in
from fluxsecrets.audit.causes import Cause, causes
from fluxsecrets.audit.engine import run_rules
from fluxsecrets.audit.facts import Facts
from fluxsecrets.audit.rule import AuditRule
from fluxsecrets.audit.rules import NEEDS_ENVIRONMENTS, RULES, SCANNED_RULES, kustomization_fails
from fluxsecrets.errors import FluxsecretsError, GitError, UsageError
from fluxsecrets.findings import Finding, RuleInfo, Severity
from fluxsecrets.findings.allow import (
    MARK,
    AllowedFinding,
    InlineAllowance,
    Remark,
    apply_allowances,
    find_inline,
)
from fluxsecrets.findings.baseline import (
    BaselineEntry,
    Written,
    apply_baseline,
    read_baseline,
    update_baseline,
)
from fluxsecrets.marks import BASELINE_NAME
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.checkout import checked_out, resolve
from fluxsecrets.repo.environments import Environment, find_environment, no_environment
from fluxsecrets.repo.git.history import state_before
from fluxsecrets.repo.othertools import notes_of
from fluxsecrets.repo.outcome import Effect
from fluxsecrets.repo.tree import UNREADABLE, Note, Tree, open_tree
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.naming import name_of

from .byenvironment import OfEnvironment, by_environment, concerns, files_that_count
from .gather import gather

_COMMENTED = 2**20
"""Bytes up to which a file is looked through for allowances."""


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """What to look at, and what counts.

    Attributes:
        commits: a range of commits: only what they brought is told.
        environment: only what concerns the files of this environment.
        every_environment: report by environment; a repository without environments is an error.
        rules: ids; only these rules run. None means all.
        with_scanned: also run the rules that `scan` has, too.
        severity: findings below this one are left out.
        fail_on: from which severity on findings make the audit fail; None takes the settings' one.
        never_fail: findings never do.
        with_keys: decrypt what the identities at hand open, and judge the values too.
        baseline: of known findings; None takes the repository's own where it has one.
        use_baseline: False audits as if there were none.
        today: the day on which ages are judged; None means today in UTC.
    """

    commits: str | None = None
    environment: str | None = None
    every_environment: bool = False
    rules: Sequence[str] | None = None
    with_scanned: bool = True
    severity: Severity = Severity.LOW
    fail_on: Severity | None = None
    never_fail: bool = False
    with_keys: bool = True
    baseline: Path | None = None
    use_baseline: bool = True
    update_baseline: bool = False
    today: date | None = None


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What an audit found.

    Attributes:
        known: those that the baseline has.
        allowed: those that `.fluxsecrets.yaml` or a comment allows.
        remarks: on allowances that are expired, of no use or wrong.
        gone: entries of the baseline that are not found any more.
        fail_on: from which severity on findings make the audit fail, or None.
        files: how many files that are secrets were judged.
        encrypted, opened: how many of them are encrypted, and how many of these were decrypted.
        undecided: of how many nobody can tell whether they open: a key service gave no answer, for example.
        with_keys: files were opened where that was possible.
        looks_at_values: a rule that was chosen judges decrypted values; else no file is opened to be counted.
        without_keys: ids of rules that did not run because nothing could be opened.
        without_environments: ids of rules that had nothing to look at, since no environment was found.
        written: what was written to it, or None.
        environments: the new findings of each environment, if that was asked for.
        others: the names of other tools that read files here, which are not analysed.
    """

    findings: tuple[Finding, ...]
    known: tuple[Finding, ...]
    allowed: tuple[AllowedFinding, ...]
    remarks: tuple[Remark, ...]
    gone: tuple[BaselineEntry, ...]
    notes: tuple[Note, ...]
    root: Path
    fail_on: Severity | None
    files: int
    encrypted: int
    opened: int
    undecided: int = 0
    with_keys: bool = True
    looks_at_values: bool = True
    without_keys: tuple[str, ...] = ()
    without_environments: tuple[str, ...] = ()
    baseline: Path | None = None
    written: Written | None = None
    environments: tuple[OfEnvironment, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Something was found that is bad enough."""
        return self.fail_on is not None and any(item.severity >= self.fail_on for item in self.findings)


def audit(session: Session, options: AuditOptions) -> AuditResult:
    """Audit the repository that the working directory is in.

    Raises:
        ConfigError: `.fluxsecrets.yaml` or the baseline is invalid, or the environment is unknown, or every
            one was asked for and the repository has no environment.
        UsageError: there is no rule of that id, or no such commit.
        GitError: git failed.
    """
    if options.commits is not None:
        rules = choose_rules(options.rules, with_scanned=options.with_scanned)
        tree = open_tree(session.cwd, limits=session.limits)
        return _audit_range(session, tree, rules, options, options.commits)
    return audit_with_facts(session, options)[0]


def audit_with_facts(session: Session, options: AuditOptions) -> tuple[AuditResult, Facts]:
    """As `audit` without a range of commits, and return the facts that the rules judged.

    Raises:
        ConfigError, UsageError, GitError: see `audit`.
    """
    rules = choose_rules(options.rules, with_scanned=options.with_scanned)
    tree = open_tree(session.cwd, limits=session.limits)
    facts = _gather(session, tree, options, only=options.environment)
    return _weigh(facts, run_rules(facts, rules), rules, options, tree.root), facts


def _gather(
    session: Session,
    tree: Tree,
    options: AuditOptions,
    before: Mapping[str, Document] | None = None,
    only: str | None = None,
) -> Facts:
    return gather(
        session,
        tree,
        with_keys=options.with_keys,
        today=options.today,
        baseline=options.baseline,
        use_baseline=options.use_baseline,
        before=before,
        only=only,
    )


def _audit_range(
    session: Session, tree: Tree, rules: Sequence[AuditRule], options: AuditOptions, commits: str
) -> AuditResult:
    """The findings that the last of some commits has, and that were not there where they begin."""
    if tree.repository is None:
        raise GitError("this is not a git repository, so there are no commits", path=str(tree.root))
    first, _, last = commits.replace("...", "..").partition("..")
    tip = resolve(tree.repository, last or "HEAD")
    start = resolve(tree.repository, first)
    base = state_before(tree.repository, start, tip) or start
    with checked_out(tree.repository, base, session.limits) as old:
        facts = _gather(session, old, options)
        known = {item.fingerprint for item in run_rules(facts, rules)}
        before = {item.path: item.document for item in facts.secrets if item.document}
    with checked_out(tree.repository, tip, session.limits) as new:
        facts = _gather(session, new, options, before)
        findings = tuple(item for item in run_rules(facts, rules) if item.fingerprint not in known)
        return _weigh(facts, findings, rules, options, tree.root)


def _weigh(
    facts: Facts,
    findings: tuple[Finding, ...],
    rules: Sequence[AuditRule],
    options: AuditOptions,
    root: Path,
) -> AuditResult:
    """Set aside what does not concern the environment, is allowed, or known to the baseline."""
    if options.every_environment and not facts.environments:
        raise no_environment(facts.tree)
    chosen: tuple[Environment, ...] = ()
    if options.environment is not None:
        chosen = (_environment(facts, options.environment),)
        files = files_that_count(facts, chosen[0])
        findings = tuple(item for item in findings if concerns(files, item))
    elif facts.is_read("environments"):
        chosen = facts.environments
    ran, without_keys = _that_run(facts, rules)
    without_environments = tuple(_without_environments(facts, rules))
    ran -= frozenset(without_environments)
    complete = _is_complete(options)
    weighed = apply_allowances(
        findings,
        inline=_inline(facts.tree, {item.location.path for item in findings}, complete=complete),
        listed=facts.settings.allow,
        today=facts.today,
        rules=ran,
        complete=complete,
    )
    looks_at_values = any(rule.needs_keys for rule in rules)
    fail_on = options.fail_on or Severity.parse(facts.settings.audit.fail_on)
    encrypted = facts.encrypted()
    others = uses_in(facts, chosen[0]) if options.environment is not None else other_uses(facts)
    notes = _notes(chosen, {item.location.path for item in findings})
    result = AuditResult(
        findings=weighed.kept,
        known=(),
        allowed=weighed.allowed,
        remarks=weighed.remarks,
        gone=(),
        notes=(*notes, *_untold(facts, ran, notes), *_doubts(facts), *notes_of(others)),
        root=root,
        fail_on=None if options.never_fail else fail_on,
        files=len(facts.secrets),
        encrypted=len(encrypted),
        opened=sum(secret.opened is not None for secret, _ in encrypted) if looks_at_values else 0,
        undecided=sum(secret.undecided for secret, _ in encrypted) if looks_at_values else 0,
        with_keys=options.with_keys,
        looks_at_values=looks_at_values,
        without_keys=without_keys,
        without_environments=without_environments,
        others=tuple(dict.fromkeys(use.tool.name for use in others)),
    )
    looked_at = _LookedAt(facts, ran if complete else frozenset())
    weighed_all = _above(_with_baseline(result, options, looked_at), options.severity)
    if not options.every_environment:
        return weighed_all
    return replace(weighed_all, environments=by_environment(facts, weighed_all.findings))


def _that_run(facts: Facts, rules: Sequence[AuditRule]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The ids of the rules that run, and of those that need a missing identity."""
    values = tuple(rule.info.id for rule in rules if rule.needs_keys)
    others = frozenset(rule.info.id for rule in rules if not rule.needs_keys)
    return (others | set(values), ()) if not values or facts.with_keys else (others, values)


def _without_environments(facts: Facts, rules: Sequence[AuditRule]) -> Iterator[str]:
    """The ids of the rules that look at what Flux applies, if no environment was found."""
    asked = [rule.info.id for rule in rules if rule.info.id in NEEDS_ENVIRONMENTS]
    if asked and not facts.environments:
        yield from asked


def all_rules() -> tuple[RuleInfo, ...]:
    """The texts of each rule of the audit."""
    return tuple(rule.info for rule in RULES)


def choose_rules(ids: Sequence[str] | None, *, with_scanned: bool = True) -> tuple[AuditRule, ...]:
    """The rules of some ids, or all; those that `scan` has, too, may be left out.

    Raises:
        UsageError: an id is unknown.
    """
    if not ids:
        return tuple(rule for rule in RULES if with_scanned or rule.info.id not in SCANNED_RULES)
    known = {rule.info.id: rule for rule in RULES}
    for name in ids:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "see `fluxsecrets rules list`"
            raise UsageError(f"the audit has no rule {name!a}", hint=hint)
    return tuple(rule for rule in RULES if rule.info.id in ids)


def _environment(facts: Facts, name: str) -> Environment:
    if name not in {item.name for item in facts.environments}:
        find_environment(facts.tree, name, facts.settings)  # the error lists the environments
    return facts.environment(name)


def _notes(chosen: Iterable[Environment], found_in: set[str]) -> dict[Note, None]:
    """What was not followed; files that cannot be read are findings already."""
    notes = dict.fromkeys(note for environment in chosen for note in environment.notes)
    return {
        note: None for note in notes if not (note.message.startswith(UNREADABLE) and note.path in found_in)
    }


def _untold(facts: Facts, ran: frozenset[str], notes: Iterable[Note]) -> Iterator[Note]:
    """The Kustomizations of which it can't be told what Flux does, once per behaviour."""
    if kustomization_fails.INFO.id not in ran:
        return
    alike: dict[str, list[Cause]] = {}
    noted = {(note.path, note.line) for note in notes}
    for cause in causes(facts, Effect.UNKNOWN):
        if (cause.place.path, cause.place.line) in noted:
            continue
        alike.setdefault(cause.behaviour, []).append(cause)
    for each in alike.values():
        count = len({name for cause in each for name in cause.names})
        more = f" and {count - 1} more" if count > 1 else ""
        who = f"Kustomization {each[0].names[0]}{more}" if each[0].names else each[0].who
        reason = f"cannot tell what Flux does with {who}: {each[0].first.reason}"
        yield Note(each[0].place.path, each[0].place.line, reason)


def _doubts(facts: Facts) -> Iterator[Note]:
    """Former recipients of whom it is unknown whether they can still read files."""
    people: dict[str, list[str]] = {}
    for each in facts.former if facts.is_read("former") else ():
        if each.now is None:
            people.setdefault(name_of(each.recipient, facts.names), []).append(each.path)
    for name, paths in people.items():
        more = f" and of {len(paths) - 1} more" if len(paths) > 1 else ""
        yield Note(
            paths[0],
            None,
            f"cannot tell whether {name}, who was a recipient once, knows its data key{more}: "
            "none of your identities opens both it and the versions that were for them",
        )


def _is_complete(options: AuditOptions) -> bool:
    """Everything was looked at, so that missing findings are gone."""
    return options.environment is None and options.commits is None


def _inline(tree: Tree, found_in: Iterable[str], *, complete: bool) -> list[InlineAllowance]:
    """The comments that allow: in the files with findings, or in all of them to tell which are of no use."""
    found: list[InlineAllowance] = []
    for path in tree.paths if complete else sorted(found_in):
        try:
            if path not in tree.files or (tree.size(path) or _COMMENTED) >= _COMMENTED:
                continue
            data = tree.read(path)
        except FluxsecretsError:
            continue  # the finding is about that
        if MARK in data:
            found += find_inline(data, path)
    return found


class _LookedAt:
    """Whether an entry of a baseline would have come up in this run; `scan` has others."""

    def __init__(self, facts: Facts, rules: frozenset[str]) -> None:
        self.facts = facts
        self.rules = rules

    def __call__(self, entry: BaselineEntry) -> bool:
        """Take an entry."""
        if entry.rule not in self.rules:
            return False
        if entry.rule not in SCANNED_RULES or entry.path not in self.facts.tree.files:
            return True
        return entry.path in self.facts.scanned_files


def _with_baseline(
    result: AuditResult, options: AuditOptions, looked_at: Callable[[BaselineEntry], bool]
) -> AuditResult:
    path = options.baseline
    default = result.root / BASELINE_NAME
    if path is None and options.use_baseline and (options.update_baseline or default.is_file()):
        path = default
    if path is None:
        return result
    if options.update_baseline:
        written = update_baseline(path, result.findings, looked_at)
        return replace(result, findings=(), known=result.findings, baseline=path, written=written)
    applied = apply_baseline(result.findings, read_baseline(path), looked_at)
    return replace(result, findings=applied.new, known=applied.known, gone=applied.gone, baseline=path)


def _above(result: AuditResult, severity: Severity) -> AuditResult:
    """The result without findings that are less severe."""
    return replace(
        result,
        findings=tuple(item for item in result.findings if item.severity >= severity),
        known=tuple(item for item in result.known if item.severity >= severity),
        allowed=tuple(item for item in result.allowed if item.finding.severity >= severity),
    )
