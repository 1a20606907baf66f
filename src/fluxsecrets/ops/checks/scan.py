"""Scan files for secrets in plain text, and weigh what is found against baseline and allowances."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from fluxsecrets.errors import FileAccessError, FluxsecretsError, GitError, UsageError
from fluxsecrets.findings import Finding
from fluxsecrets.findings.model import in_order
from fluxsecrets.marks import BASELINE_NAME, SETTINGS_NAME, archive_of
from fluxsecrets.ops.policy.trust import (
    INDEX,
    Trust,
    rule_files,
    state_reader,
    take_rules,
    take_trust,
    trusted_names,
    with_named,
    work_tree_trust,
)
from fluxsecrets.ops.run.afterkill import left_behind
from fluxsecrets.repo.git import BLOB_LIMIT, Repository, find_repository
from fluxsecrets.repo.rulenames import Files, RuleNames
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.engine import Engine
from fluxsecrets.scan.fileset import FileSet
from fluxsecrets.scan.scanner import FileScan, Scanner, scan_path
from fluxsecrets.scan.sources import SourceFile

if TYPE_CHECKING:
    from fluxsecrets.findings import RuleInfo
    from fluxsecrets.findings.allow import AllowedFinding, InlineAllowance, Remark
    from fluxsecrets.findings.baseline import BaselineEntry, BaselineResult, Written
    from fluxsecrets.repo.git.survey import Period
    from fluxsecrets.repo.leakrules import LeakRules
    from fluxsecrets.scan.clean import CleanContents
    from fluxsecrets.scan.sources.commits import Plan, Unit
    from fluxsecrets.scan.sources.staged import Listing

    from .excuses import Excuse
    from .oldfaults import Fault
    from .tips import Part
    from .words import Words

_LINUX: bool = sys.platform.startswith("linux")
STANDARD_INPUT = "standard input"
Item = TypeVar("Item")
Watch = Callable[[Iterator[Any], int], Iterator[Any]]
LIMIT = BLOB_LIMIT
"""Bytes up to which a file is read as a whole; manifests beyond cannot be judged."""


_MANY = 200
"""Files from which a second process is worth its start."""

_CHUNK = 32


class Source(Enum):
    """Where files come from."""

    PATHS = auto()
    STAGED = auto()
    COMMITS = auto()
    STDIN = auto()


_NOTHING = {
    Source.PATHS: "there is no file to scan",
    Source.STAGED: "nothing is staged",
    Source.COMMITS: "no commit of these adds or changes a file",
    Source.STDIN: "",
}
"""The messages for a scan without files: looking at nothing is not the same as finding nothing."""


class ScanRequest(NamedTuple):
    """What to scan.

    Attributes:
        cwd: absolute path that paths are relative to.
        source: where files come from.
        paths: files and folders; none means the whole repository, or what the source has.
        environment: name of the environment whose files are meant, or None.
        commits: arguments for `git rev-list`, where the source is commits.
        branches: names of branches, all commits of which are meant.
        period: only commits that were made in it.
        watch: what results are passed through, with how many there will be; it may show progress.
        baseline: the baseline's path; None for the repository's own where it has one.
        use_baseline: False scans as if there were none.
        for_commit: files of the work tree stand for what is committed, and are judged as that is.
        partial_history: take the commits that a shallow clone has for all there are.
        jobs: processes; None for as many as there are CPUs.
        use_cache: pass over contents of commits in which earlier runs found nothing.
        config: a configuration of gitleaks or betterleaks whose rules and allowlists count too, or None.
        repository: the one to scan; that of `cwd` unless given.
    """

    cwd: Path
    source: Source = Source.PATHS
    paths: tuple[str, ...] = ()
    environment: str | None = None
    commits: tuple[str, ...] = ()
    content: bytes = b""
    filename: str | None = None
    baseline: Path | None = None
    use_baseline: bool = True
    update_baseline: bool = False
    for_commit: bool = False
    partial_history: bool = False
    jobs: int | None = None
    use_cache: bool = True
    config: Path | None = None
    repository: Repository | None = None
    branches: tuple[str, ...] = ()
    period: Period | None = None
    watch: Watch | None = None

    def __repr__(self) -> str:
        """Without the content."""
        return f"ScanRequest({self.source}, {self.paths!r}, {len(self.content)} bytes)"


class ScanResult(NamedTuple):
    """What was found.

    Attributes:
        known: those that the baseline has.
        remarks: allowances that are expired, unused or invalid.
        gone: entries of the baseline that are not found any more.
        errors: files that could not be read or judged, and other reasons why this is not all.
        written: what was written to it, or None.
        excuses: what let findings pass, and came with the same commits.
        nothing: why no file was looked at, or "".
        rules: rules of the team that ran beside the built-in ones.
        repositories: how many were scanned, if several were asked for.
        unnamed: files of other tools that have no effect: the setting that could name each, and its name.
    """

    findings: tuple[Finding, ...]
    known: tuple[Finding, ...]
    allowed: tuple[AllowedFinding, ...]
    remarks: tuple[Remark, ...]
    gone: tuple[BaselineEntry, ...]
    errors: tuple[FluxsecretsError, ...]
    files: int
    root: Path
    baseline: Path | None = None
    written: Written | None = None
    excuses: tuple[Excuse, ...] = ()
    nothing: str = ""
    rules: tuple[RuleInfo, ...] = ()
    repositories: int | None = None
    unnamed: tuple[tuple[str, str], ...] = ()

    @property
    def clean(self) -> bool:
        """Everything was looked at, and nothing was found."""
        return not self.findings and not self.errors

    @property
    def exit_code(self) -> int:
        """2 takes precedence over 1: an unread file may hold anything."""
        return 2 if self.errors else 1 if self.findings else 0

    @property
    def silent(self) -> bool:
        """The result has nothing to report."""
        return self.clean and not self.remarks and not self.excuses


def scan(request: ScanRequest, engine: Engine | None = None) -> ScanResult:
    """Run a scan request.

    Raises:
        UsageError: a path does not exist, or options do not go together.
        GitError: no repository where one is needed, or git fails.
        ConfigError: settings or baseline are invalid.
    """
    if request.source is not Source.COMMITS:
        return _finished(_Job(request, engine))
    from .tips import part

    job = _Job(request, engine)
    commits = request.commits
    if request.branches:
        from fluxsecrets.scan.sources.commits import branch_arguments

        commits = branch_arguments(job.needed(), request.branches)
    parts = part(job.needed(), commits)
    if len(parts) > 1:
        if request.update_baseline:
            raise UsageError("these commits have baselines of their own", hint="name one branch at a time")
        engine = engine or Engine(cache_folder(os.environ))
    return _joined([_finished(_Job(request, engine, each)) for each in parts], job.root)


def _finished(job: _Job) -> ScanResult:
    job.run()
    result = job.result()
    if job.plan is not None:
        from .byvalue import Weighed, by_value
        from .oldfaults import sorted_out

        ends = job.part.tips if job.part is not None else ()
        before = Weighed(result.findings, result.known, result.allowed)
        weighed = by_value(job.needed(), job.plan, before, ends)
        errors, remarks = sorted_out(job.needed(), job.plan, job.faults, ends)
        result = result._replace(
            findings=weighed.findings,
            known=weighed.known,
            allowed=weighed.allowed,
            errors=(*result.errors, *errors),
            remarks=(*result.remarks, *remarks),
        )
    return result if result.files or result.errors else result._replace(nothing=_NOTHING[job.request.source])


def excused(result: ScanResult) -> frozenset[str]:
    """The files in which something was found, all of which is allowed or known to the baseline."""
    set_aside = (*result.known, *(item.finding for item in result.allowed))
    open_ = {finding.location.path for finding in result.findings}
    open_ |= {error.path for error in result.errors if error.path is not None}
    return frozenset(finding.location.path for finding in set_aside) - open_


def _joined(results: Sequence[ScanResult], root: Path) -> ScanResult:
    """The results of several parts as one; what stands in several of them is in it once."""
    if len(results) == 1:
        return results[0]
    from .byvalue import joined

    found = ScanResult(
        joined(chain.from_iterable(each.findings for each in results)),
        joined(chain.from_iterable(each.known for each in results)),
        _all(each.allowed for each in results),
        _all(each.remarks for each in results),
        _all(each.gone for each in results),
        _all(each.errors for each in results),
        sum(each.files for each in results),
        root,
        excuses=_all(each.excuses for each in results),
        nothing="" if any(each.files for each in results) else results[0].nothing,
        rules=_all(each.rules for each in results),
    )
    refused = set(found.findings)  # by one of the tips, whatever another one says
    return found._replace(known=tuple(item for item in found.known if item not in refused))


def _all(parts: Iterable[tuple[Item, ...]]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(parts)))


def known_rules() -> tuple[RuleInfo, ...]:
    """Every rule that may find something."""
    from fluxsecrets.scan.registry import all_rules

    return all_rules()


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """The user's cache folder for compiled patterns, or None where the user has no home."""
    if _LINUX:  # the usual place without an import
        base = environ.get("XDG_CACHE_HOME") or ""
        if base.startswith("/"):
            return Path(base) / "fluxsecrets"
        home = environ.get("HOME") or ""
        return Path(home) / ".cache" / "fluxsecrets" if home.startswith("/") else None
    from platformdirs import user_cache_path

    return user_cache_path("fluxsecrets", appauthor=False)


def _in_commit(allowances: tuple[InlineAllowance, ...], commit: str | None) -> Iterable[InlineAllowance]:
    if commit is None or not allowances:
        return allowances
    from dataclasses import replace

    return [replace(each, commit=commit) for each in allowances]


class _Job:
    """One scan, and what is collected on the way."""

    def __init__(self, request: ScanRequest, engine: Engine | None, part: Part | None = None) -> None:
        self.request = request
        self.repository = request.repository or find_repository(request.cwd)
        self.root = self.repository.root if self.repository is not None else request.cwd
        self.engine = engine
        self.part = part
        self.trust = Trust()
        self.findings: list[Finding] = []
        self.inline: list[InlineAllowance] = []
        self.errors: list[FluxsecretsError] = []
        self.unreadable: dict[Finding, FluxsecretsError] = {}
        self.paths: set[str] = set()
        self.set = FileSet()
        self.complete = False
        self.wanted: list[str] | None = None
        self.before: dict[str, str] = {}
        self.settings_before: bytes | None = None
        self.beside: Iterator[SourceFile] = iter(())
        self.plan: Plan | None = None
        self.faults: list[Fault] = []
        self.words: Words | None = None
        self.listing: Listing | None = None

    def _go_by(
        self,
        trust: Trust,
        rules: Mapping[str, bytes | None] | None = None,
        files: Files | None = None,
    ) -> None:
        """Take what the findings are weighed by, which also says which files are secrets as a whole."""
        self.trust = trust
        self.settings = trust.settings()
        listed = () if self.settings is None else self.settings.secrets
        names = RuleNames(files or Files(os.fspath(self.root), planned=rules))
        cache = cache_folder(os.environ)
        if (self.settings is not None and self.settings.scan is not None) or self.request.config is not None:
            from .words import read_words

            self.words = read_words(self.settings, trust, self._option(), cache)
        custom = None if self.words is None else self.words.custom
        self.scanner = Scanner(cache, listed, names, self.engine, custom=custom)

    def _option(self) -> LeakRules | None:
        """The rules of the configuration that the user named."""
        if self.request.config is None:
            return None
        from .words import read_option

        return read_option(self.request.config, self.request.cwd)

    # --- reading ---------------------------------------------------------------------------------------

    def run(self) -> None:
        """Read and judge every file."""
        source = self.request.source
        try:
            if source is Source.COMMITS:
                self._commits()
                return
            scans: Iterator[FileScan]
            if source is Source.STAGED:
                scans = self._staged()
            elif source is Source.STDIN:
                scans = self._stdin()
            else:
                self._go_by(self._lying())
                scans = self._worktree()
                if not (self.request.paths or self.request.environment or self.request.for_commit):
                    self.errors += left_behind(os.environ, self.request.cwd)
            for scan in scans:
                self._take(scan)
            self._in_context()
            self._generators()
            self.findings += self.set.finish()
        except GitError as error:
            if not self.paths:
                raise
            self.errors.append(error)

    def _take(self, scan: FileScan) -> None:
        """Note what came of a file."""
        self.paths.add(scan.path)
        if scan.error is not None:
            self._note_error(scan.error, scan.commit, scan.path)
        for scanned in scan.scanned:
            if scanned.problem is not None:
                self._note_unreadable(scanned.problem, scan.path, scan.commit)
        for scanned in scan.scanned:
            self.inline += _in_commit(scanned.allowances, scan.commit)
            self.findings += self.set.add(scanned, scan.commit)
            for finding in scanned.findings:
                self.findings.append(
                    finding
                    if scan.commit is None
                    else finding._replace(location=finding.location._replace(commit=scan.commit))
                )

    def _note_error(self, error: FluxsecretsError, commit: str | None, path: str) -> None:
        if commit is None:
            self.errors.append(error)
            return
        from .oldfaults import Fault

        self.faults.append(Fault(commit, path, error))

    def _note_unreadable(self, problem: FluxsecretsError, path: str, commit: str | None) -> None:
        from fluxsecrets.scan.structure.wholefile import unreadable

        # The pieces of a file all have the same, and the files below a configuration.
        finding = unreadable(problem, problem.path or path)
        if commit is not None:  # of the file itself: each version may have its own
            finding = unreadable(problem, path)
            finding = finding._replace(location=finding.location._replace(commit=commit))
        self.unreadable.setdefault(finding, problem)

    def _stdin(self) -> Iterator[FileScan]:
        self._go_by(work_tree_trust(self.root))
        name = self.request.filename or STANDARD_INPUT
        yield self.scanner.scan(SourceFile(name, (Blob(name, self.request.content),)))

    def _staged(self) -> Iterator[FileScan]:
        from fluxsecrets.scan.sources.staged import (
            kustomizations,
            list_staged,
            read_generators,
            read_staged,
        )

        repository = self.needed()
        self.listing = list_staged(repository)
        files = [file for file in self.listing.files if self._is_chosen(file.path)]
        self.before = {file.path: file.before for file in files if file.before}
        # One git reads what is judged, what that is judged by, and what may read it: a commit waits for each.
        rules = rule_files(file.path for file in files)
        beside = kustomizations(file.path for file in files)
        names = (*trusted_names(INDEX), f"HEAD:{SETTINGS_NAME}", *(f":{name}" for name in rules))
        blobs = (file.blob for file in files)
        objects = repository.read_objects(chain(names, blobs, (f":{path}" for path in beside)), limit=LIMIT)
        trust = take_trust(objects)
        self.settings_before = next(objects)[2]
        planned = take_rules(objects, rules)
        self._go_by(with_named(trust, state_reader(repository, INDEX)), planned)
        self.beside = read_generators(beside, objects)
        return map(self.scanner.scan, read_staged(repository, files, objects))

    def _lying(self) -> Trust:
        """What files of the work tree are judged by: the index, where they stand for what is committed."""
        if not self.request.for_commit:
            return work_tree_trust(self.root)
        repository = self.needed()
        trust = take_trust(repository.read_objects(trusted_names(INDEX), limit=LIMIT))
        return with_named(trust, state_reader(repository, INDEX))

    def _is_chosen(self, path: str) -> bool:
        """Whether a path is one of those that were asked for, or below one."""
        if not self.request.paths or self.request.source is Source.STDIN:
            return True
        if self.wanted is None:
            self.wanted = [self._inside(text) for text in self.request.paths]
        return any(path == each or not each or path.startswith(f"{each}/") for each in self.wanted)

    def _inside(self, text: str, default: str | None = None) -> str:
        relative = os.path.relpath(self.request.cwd / text, self.root).replace(os.sep, "/")
        if relative == ".." or relative.startswith("../"):
            if default is not None:
                return default
            raise UsageError(f"{text!a} is outside of the repository", hint="name something in it")
        return "" if relative == "." else relative

    def _commits(self) -> None:
        from fluxsecrets.ops.policy.staterules import CommitFiles
        from fluxsecrets.repo.git.survey import Period
        from fluxsecrets.scan.sources import unread
        from fluxsecrets.scan.sources.commits import plan

        from .commitcontext import CommitContext
        from .scanhistory import in_order as in_order_of_commits
        from .scanhistory import judged

        repository, part = self.needed(), self.part
        assert part is not None  # noqa: S101 - `scan` gives one with commits
        self._go_by(part.trust, files=CommitFiles(repository, part.tip) if part.tip else None)
        partial, period = self.request.partial_history, self.request.period or Period()
        found = self.plan = plan(
            repository, part.arguments, self._is_chosen, part.loose, partial=partial, period=period
        )
        known = self._known_clean(len(found.units))
        context = CommitContext(found)
        lost: list[Unit] = []
        judging = judged(repository, self.scanner, found.units, jobs=self.request.jobs, known=known)
        results = self._watched(judging, len(found.units))
        for place, scan in in_order_of_commits(found, results, lost):
            self._take(scan)
            context.add(place, scan)
        if known is not None:
            known.save()
        self.errors += found.problems
        if lost:
            places = [(unit.places[0].path, found.commits[unit.places[0].first]) for unit in lost]
            self.errors.append(unread.contents(repository.root, places, len(found.units)))
        self.findings += context.findings(repository, self.scanner, self._states_before)

    @cached_property
    def _states_before(self) -> tuple[str, ...]:
        """The commits that the judged ones follow on; none for the whole history."""
        from .tips import states_before

        part = self.part
        if part is None or part.is_history:
            return ()
        return states_before(self.needed(), part.arguments)

    def _known_clean(self, count: int) -> CleanContents | None:
        """What earlier runs found clean, or None if it is not asked for, or not worth its reading."""
        folder = cache_folder(os.environ)
        if folder is None or not self.request.use_cache or count < _MANY:
            return None
        from fluxsecrets.scan.clean import CleanContents, judged_by
        from fluxsecrets.scan.patterns import patterns

        custom = self.scanner.engine.custom
        decides = judged_by(patterns(), "" if custom is None else custom.identity)
        return CleanContents(folder, self.needed().common_dir, decides)

    def needed(self) -> Repository:
        """The repository.

        Raises:
            GitError: the folder is not in a repository.
        """
        if self.repository is None:
            raise GitError(
                "this is not a git repository, so nothing is staged or committed here",
                hint="run it inside one, or name files",
                path=str(self.request.cwd),
            )
        return self.repository

    # --- the work tree ---------------------------------------------------------------------------------

    def _worktree(self) -> Iterator[FileScan]:
        outside: Sequence[str] = ()
        if self.request.environment is not None:
            paths: Sequence[str] = self._environment(self.request.environment)
        elif self.request.paths:
            paths, outside = self._named()
        else:
            self.complete = True
            paths = self._all()
        return chain(self._read(self.root, paths), self._read(self.request.cwd, outside))

    def _read(self, root: Path, paths: Sequence[str]) -> Iterator[FileScan]:
        """The files at some paths, in several processes where there are many."""
        work = partial(scan_path, self.scanner, os.fspath(root), LIMIT)
        if len(paths) < _MANY:
            scans: Iterable[FileScan | None] = map(work, paths)
        else:
            from fluxsecrets.ops.run.parallel import run_jobs

            _ = self.scanner.engine  # made here, it serves all that are forked
            scans = run_jobs(work, paths, chunk=_CHUNK, most=self.request.jobs)
        return (scan for scan in self._watched(iter(scans), len(paths)) if scan is not None)

    def _watched(self, items: Iterator[Item], total: int) -> Iterator[Item]:
        return items if self.request.watch is None else self.request.watch(items, total)

    def _all(self) -> tuple[str, ...]:
        if self.repository is not None:
            return self.repository.files()
        from fluxsecrets.repo.tree import walk_files

        return walk_files(self.root)

    def _environment(self, name: str) -> tuple[str, ...]:
        from fluxsecrets.repo.environments import find_environment
        from fluxsecrets.repo.tree import open_tree

        return tuple(sorted(find_environment(open_tree(self.root), name).files))

    def _named(self) -> tuple[list[str], list[str]]:
        """Named files and folders: those in the repository from its root, the others as they were named."""
        inside: dict[str, None] = {}
        outside: dict[str, None] = {}
        for text in self.request.paths:
            place = self.request.cwd / text
            if not os.path.lexists(place):
                raise FileAccessError(
                    "there is no such file", hint="check the spelling of the path", path=text
                )
            relative = os.path.relpath(place, self.root).replace(os.sep, "/")
            is_inside = relative != ".." and not relative.startswith("../")
            if not self.request.for_commit and (problem := self._not_judged(place, text, is_inside)):
                self.errors.append(problem)
                continue
            if not place.is_dir():
                (inside if is_inside else outside)[relative if is_inside else text] = None
                continue
            base = ("" if relative == "." else relative) if is_inside else text.rstrip("/")
            into = inside if is_inside else outside
            into.update(dict.fromkeys(self._below(place, base, listed=is_inside)))
        return list(inside), list(outside)

    def _not_judged(self, place: Path, text: str, is_inside: bool) -> FluxsecretsError | None:
        """Why a named path is not looked at: no scan passes for want of reading.

        In a commit a link is the text of where it leads, and stands for no other file.
        """
        from fluxsecrets.scan.sources.worktree import not_a_file

        root = os.path.realpath(self.root)
        above = os.path.realpath(place.parent)
        if is_inside and os.path.realpath(place) != root and not Path(above).is_relative_to(root):
            return FileAccessError(
                "is behind a link that leaves the repository, so it was not scanned",
                hint="name it where it is",
                path=text,
            )
        return not_a_file(place, text)

    def _below(self, place: Path, base: str, *, listed: bool) -> Iterable[str]:
        if listed and self.repository is not None:
            found = self.repository.files([base] if base else [])
            if found:
                return found
        from fluxsecrets.repo.tree import walk_files

        return (f"{base}/{path}" if base else path for path in walk_files(place))

    def _in_context(self) -> None:
        """Judge plain files by what they were, and by what reads them."""
        repository, source = self.repository, self.request.source
        if repository is None or source is Source.STDIN or not self.paths:
            return
        from .filecontext import staged_generators, were_encrypted, were_encrypted_lately, were_renamed

        before = self.changed if source is Source.PATHS else self.before
        self.findings += were_encrypted(repository, self.set, before)
        if self.listing is not None:
            self.findings += were_renamed(repository, self.set, self.listing)
            staged_generators(repository, self.scanner, self.set, self.beside, self.paths)
        elif not self.request.for_commit:
            self.findings += were_encrypted_lately(repository, self.set, self.paths)

    @cached_property
    def changed(self) -> dict[str, str]:
        """Files of the work tree that may differ from HEAD, with their blobs there or ""."""
        from fluxsecrets.repo.git.worktree import changes_since_head  # a hook does without it

        return changes_since_head(self.needed())

    def _generators(self) -> None:
        """Take in kustomization files that were not scanned and may read what was."""
        if self.complete or self.request.source is not Source.PATHS:
            return
        if any(map(self.set.is_plain, self.paths)):
            from .generators import lying_generators

            there = [path for path in lying_generators(self.root, self._all()) if path not in self.paths]
            for scan in self._read(self.root, there):
                for scanned in scan.scanned:
                    self.set.add_generators(scanned)

    # --- weighing --------------------------------------------------------------------------------------

    def result(self) -> ScanResult:
        """What is left after allowances and baseline."""
        found = sorted([*self.findings, *self.unreadable], key=in_order)
        allowed: tuple[AllowedFinding, ...] = ()
        remarks: tuple[Remark, ...] = ()
        if self.inline or self.words or (self.settings is not None and self.settings.allow):
            from fluxsecrets.findings.allow import apply_allowances

            rules = frozenset(rule.id for rule in self._known_rules())
            weighed = apply_allowances(
                found,
                inline=dict.fromkeys(self.inline),
                listed=() if self.settings is None else self.settings.allow,
                settings_path=SETTINGS_NAME,
                rules=rules,
                complete=self.complete,
                others=() if self.words is None else self.words.excusers,
            )
            found, allowed, remarks = list(weighed.kept), weighed.allowed, weighed.remarks
            if self.words is not None and (self.complete or self.request.config is not None):
                remarks += self.words.remarks
        for each in found:
            if each in self.unreadable:
                self._note_error(self.unreadable[each], each.location.commit, each.location.path)
        found = [each for each in found if each not in self.unreadable]
        return self._with_baseline(tuple(found), allowed, remarks)

    def _with_baseline(
        self, found: tuple[Finding, ...], allowed: tuple[AllowedFinding, ...], remarks: tuple[Remark, ...]
    ) -> ScanResult:
        result = ScanResult(found, (), allowed, remarks, (), tuple(self.errors), len(self.paths), self.root)
        if self.words is not None:
            result = result._replace(rules=self.words.infos)
        if found and self.complete and self.request.config is None:
            from .words import unnamed_files

            result = result._replace(unnamed=unnamed_files(self.root, self.settings))
        if self.request.update_baseline:
            return self._updated(result)
        entries, path = self._baseline()
        if path is None:
            return self._with_excuses(result)
        applied = self._applied(found, entries)
        return self._with_excuses(
            result._replace(findings=applied.new, known=applied.known, gone=applied.gone, baseline=path)
        )

    def _baseline(self) -> tuple[tuple[BaselineEntry, ...], Path | None]:
        """The entries that count, and their file, or None without one."""
        request = self.request
        if request.baseline is not None:
            from fluxsecrets.findings.baseline import read_baseline

            return read_baseline(request.baseline), request.baseline
        if not request.use_baseline or self.trust.baseline_text is None:
            return (), None
        return self.trust.baseline(), self.root / BASELINE_NAME

    def _updated(self, result: ScanResult) -> ScanResult:
        """The result after all that was found was written into the baseline of the work tree."""
        from fluxsecrets.findings.baseline import read_baseline, update_baseline

        if self.errors:
            raise self.errors[0]
        path = self.request.baseline or self.root / BASELINE_NAME
        had = read_baseline(path) if path.exists() else ()
        names = {each.fingerprint for each in had}
        known = frozenset(self._applied(result.findings, had).known)
        changed = {each for each in result.findings if each.fingerprint in names and each not in known}
        written = update_baseline(path, result.findings, self._looked_at, changed)
        return result._replace(findings=(), known=result.findings, baseline=path, written=written)

    def _applied(self, found: Sequence[Finding], entries: Sequence[BaselineEntry]) -> BaselineResult:
        """The findings by the baseline, and in a repository by the values that it knows."""
        source = self.request.source
        if self.repository is None or source is Source.STDIN or not found or not entries:
            from fluxsecrets.findings.baseline import apply_baseline

            return apply_baseline(found, entries, self._looked_at)
        from .baselinevalues import Reference, apply_by_value

        named = self.request.baseline
        name = BASELINE_NAME if named is None else self._inside(os.fspath(named), default="")
        before: Sequence[str] = ("HEAD",)
        history = self.part is not None and self.part.is_history
        if self.part is not None and not history:
            before = self._states_before
        reference = Reference(
            before,
            () if self.plan is None or history else self.plan.versions(name),
            name,
            named is not None,
            (lambda path: path not in self.changed) if source is Source.PATHS else (lambda _: False),
            lenient=history or named is not None,
        )
        return apply_by_value(self.repository, self.scanner, reference, entries, found, self._looked_at)

    def _with_excuses(self, result: ScanResult) -> ScanResult:
        """Add the excuses that are as new as the findings that they let pass."""
        known = result.known if self.request.baseline is None else ()
        judged = self.request.source in (Source.STAGED, Source.COMMITS) or self.request.for_commit
        if self.repository is None or not judged or (self.part is not None and self.part.is_history):
            return result
        changed = self.part is not None or self.settings_before != self.trust.settings_text
        if not (result.allowed or known or changed):
            return result
        from .excuses import brought_excuses

        before = ("HEAD",) if self.part is None else self._states_before
        plain = [path for path in sorted(self.paths) if self.set.is_plain(path)]
        return result._replace(
            excuses=brought_excuses(self.repository, before, self.trust, result.allowed, known, plain)
        )

    def _known_rules(self) -> tuple[RuleInfo, ...]:
        return known_rules() if self.words is None else (*known_rules(), *self.words.infos)

    def _looked_at(self, entry: BaselineEntry) -> bool:
        """Whether an entry of the baseline would have been found in this run; `audit` has others."""
        known = {rule.id for rule in self._known_rules()}
        if self.request.source is not Source.PATHS or entry.rule not in known:
            return False
        return self.complete or not self.paths.isdisjoint((entry.path, archive_of(entry.path)))
