"""Arrange an overview for the templates: what is grouped, in which order, and what is open at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import accumulate

from fluxsecrets.findings import Finding, RuleInfo, Severity
from fluxsecrets.findings.model import in_order
from fluxsecrets.ops.checks.audit import all_rules
from fluxsecrets.ops.checks.matrix import ELSEWHERE, Matrix, Person
from fluxsecrets.ops.manifests.environments import Protection
from fluxsecrets.ops.overview.model import EnvironmentView, Lifetime, Lifetimes, Overview, State
from fluxsecrets.report.audit import found_by_audit
from fluxsecrets.report.found import Found
from fluxsecrets.report.matrix import notes_of
from fluxsecrets.report.text import counted
from fluxsecrets.shell import with_file

from .layout import Drawing, draw
from .timeline import Axis, axis_of

_OPEN_FINDINGS = 60
"""Findings that are open at first; the groups after these are closed."""
_OPEN_ENVIRONMENTS = 4
_OPEN_FILES = 40
_NAMED_FILES = 25


@dataclass(frozen=True, slots=True)
class Row:
    """A finding in its group; `hint` is "" where the group says it."""

    finding: Finding
    hint: str
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of one rule.

    Attributes:
        severity: the worst of them.
        fix: what to do about all of them, with FILE for the path of each; "" where each row says it.
        mixed: their severities differ.
    """

    rule: RuleInfo
    severity: Severity
    rows: tuple[Row, ...]
    fix: str
    mixed: bool
    open: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """How much of an environment a recipient reads: `all`, `some` or `none`; `files` names a few."""

    kind: str
    count: int
    total: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """A row of the matrix."""

    person: Person
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class DrawnEnvironment:
    """An environment with the drawing of its graph, and the counts of its Secrets by protection."""

    view: EnvironmentView
    anchor: str
    drawing: Drawing
    counts: Mapping[Protection, int]
    open: bool


@dataclass(frozen=True, slots=True)
class View:
    """What the templates show."""

    overview: Overview
    found: Found
    version: str
    by_severity: tuple[tuple[Severity, int], ...]
    groups: tuple[Group, ...]
    columns: tuple[str, ...]
    readers: tuple[Reader, ...]
    everybody: tuple[Cell, ...]
    matrix_notes: tuple[str, ...]
    environments: tuple[DrawnEnvironment, ...]
    keys: tuple[tuple[str, tuple[Lifetime, ...]], ...]
    keys_axis: Axis
    people_axis: Axis
    certificates_axis: Axis
    unseen: tuple[str, ...]

    @property
    def today(self) -> date:
        """The day of the audit."""
        return self.overview.made.date()

    @property
    def overdue(self) -> int:
        """How many data keys are older than the policy."""
        return sum(each.state is State.OVER for each in self.lifetimes.data_keys)

    @property
    def lifetimes(self) -> Lifetimes:
        """The keys and certificates."""
        return self.overview.lifetimes

    @property
    def few_keys(self) -> bool:
        """Whether the ages of all files are open at first."""
        return len(self.lifetimes.data_keys) <= _OPEN_FILES

    @property
    def latest(self) -> Lifetime | None:
        """The file with the newest data key, or None."""
        known = [each for each in self.lifetimes.data_keys if each.start is not None]
        return known[-1] if known else None

    def number(self, environment: str) -> int:
        """Return the number that the filters know an environment by."""
        return self._numbers[environment]

    @property
    def _numbers(self) -> Mapping[str, int]:
        return {each.view.shown.name: number for number, each in enumerate(self.environments)}

    def age(self, day: date) -> int:
        """Return the days since a day."""
        return max(0, (self.today - day).days)


def view_of(overview: Overview, version: str) -> View:
    """Arrange an overview."""
    found = found_by_audit(overview.audit, version)
    counts = Counter(each.severity for each in found.findings)
    matrix, ages = overview.matrix, overview.lifetimes
    identities = [each.key for each in ages.joined if each.key is not None]
    today = overview.made.date()
    return View(
        overview=overview,
        found=found,
        version=version,
        by_severity=tuple((each, counts[each]) for each in sorted(Severity, reverse=True)),
        groups=_groups(found.findings, overview.belongs),
        columns=matrix.environments,
        readers=tuple(_reader(each, matrix) for each in matrix.people if any(each.files.values())),
        everybody=tuple(_cell(matrix.plain[name], matrix.plain[name]) for name in matrix.environments),
        matrix_notes=tuple(notes_of(matrix)),
        environments=tuple(
            _drawn(each, f"environment-{number}", is_open=len(overview.environments) <= _OPEN_ENVIRONMENTS)
            for number, each in enumerate(overview.environments)
        ),
        keys=tuple(_by_environment(ages.data_keys, matrix.environments)),
        keys_axis=axis_of(ages.data_keys, today),
        people_axis=axis_of(identities, today),
        certificates_axis=axis_of((*ages.sealing, *ages.certificates), today),
        unseen=_unseen(overview, found),
    )


def _groups(findings: Sequence[Finding], belongs: Mapping[str, tuple[str, ...]]) -> tuple[Group, ...]:
    """The findings by rule, the worst first."""
    infos = {each.id: each for each in all_rules()}
    by_rule: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=lambda each: (-each.severity, in_order(each))):
        by_rule.setdefault(finding.rule, []).append(finding)
    groups = [_group(infos[rule], own, belongs) for rule, own in by_rule.items()]
    groups.sort(key=lambda each: (-each.severity, -len(each.rows), each.rule.id))
    shown = accumulate(len(each.rows) for each in groups)
    return tuple(
        replace(each, open=count <= _OPEN_FINDINGS) for each, count in zip(groups, shown, strict=True)
    )


def _group(rule: RuleInfo, findings: Sequence[Finding], belongs: Mapping[str, tuple[str, ...]]) -> Group:
    alike = len({each.hint for each in findings}) == 1
    fix = findings[0].hint if alike else ""
    if len({each.location.path for each in findings}) == 1:
        fix = with_file(fix, findings[0].location.path)
    rows = tuple(
        Row(
            each,
            "" if alike else with_file(each.hint, each.location.path),
            belongs.get(each.location.path, ()),
        )
        for each in findings
    )
    mixed = len({each.severity for each in findings}) > 1
    return Group(rule, findings[0].severity, rows, fix, mixed)


def _reader(person: Person, matrix: Matrix) -> Reader:
    return Reader(
        person, tuple(_cell(person.files[name], matrix.encrypted[name]) for name in matrix.environments)
    )


def _cell(files: Sequence[str], total: Sequence[str]) -> Cell:
    kind = "none" if not files else "all" if len(files) >= len(total) else "some"
    named = tuple(files) if kind == "some" and len(files) <= _NAMED_FILES else ()
    return Cell(kind, len(files), len(total), named)


def _by_environment(
    keys: Sequence[Lifetime], environments: Iterable[str]
) -> Iterator[tuple[str, tuple[Lifetime, ...]]]:
    """The data keys of each environment that has some, then those of files in none."""
    names = [name for name in environments if name != ELSEWHERE]
    for name in names:
        own = tuple(each for each in keys if name in each.environments)
        if own:
            yield name, own
    rest = tuple(each for each in keys if not {*names} & {*each.environments})
    if rest:
        yield ELSEWHERE, rest


def _drawn(view: EnvironmentView, anchor: str, *, is_open: bool) -> DrawnEnvironment:
    drawing = draw([each.after for each in view.kustomizations])
    counts = {each: view.shown.count(each) for each in Protection}
    return DrawnEnvironment(view, anchor, drawing, counts, is_open)


def _unseen(overview: Overview, found: Found) -> tuple[str, ...]:
    """What this page can't tell, one sentence each."""
    return tuple(_limits(overview)) + tuple(found.remaining)


def _limits(overview: Overview) -> Iterable[str]:
    repository, result = overview.repository, overview.audit
    if overview.environment is not None:
        yield f"only the environment {overview.environment} was looked at"
    if overview.rules:
        yield f"only these rules ran: {', '.join(overview.rules)}"
    if not overview.with_scanned:
        yield "the rules about plain text did not run: `fluxsecrets scan` has them"
    if overview.severity > Severity.LOW:
        yield f"findings below the severity {overview.severity} are left out"
    if result.without_keys:
        yield f"{counted(len(result.without_keys), 'rule')} about values did not run: nothing was decrypted"
    if repository.commit is None:
        yield "there is no commit, so nothing is known of the history"
    if repository.cut_off:
        yield (
            "this clone has only the last commits: keys may be older and recipients may have joined earlier "
            "than shown, and who could read files before is unknown"
        )
    if repository.changed:
        yield "the work tree differs from the commit: this page is about the work tree"
