"""One scan on its way: what it goes by, and what it has collected so far."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property

from fluxsecrets.errors import FluxsecretsError, GitError, UsageError
from fluxsecrets.findings import Finding
from fluxsecrets.ops.policy.trust import Trust
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.rulenames import Files, RuleNames
from fluxsecrets.scan.cachefile import cache_folder
from fluxsecrets.scan.engine import Engine
from fluxsecrets.scan.fileset import FileSet
from fluxsecrets.scan.scanner import FileScan, Scanner
from fluxsecrets.scan.sources import SourceFile

from .scanmodel import ScanRequest, Source, StagedCiphertexts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeVar

    from fluxsecrets.findings import RuleInfo
    from fluxsecrets.findings.allow import InlineAllowance
    from fluxsecrets.repo.leakrules import LeakRules
    from fluxsecrets.repo.othertools import OtherUse
    from fluxsecrets.scan.sources.commits import Plan
    from fluxsecrets.scan.sources.staged import Listing

    from .oldfaults import Fault
    from .tips import Part
    from .words import Words

    Item = TypeVar("Item")


class ScanJob:
    """One scan, and what is collected on the way.

    Attributes:
        part: the commits that are scanned, where the source is commits.
        trust: settings, baseline and rules that the findings are weighed by.
        inline: allowances in comments.
        unreadable: findings for what could not be judged, each with its error; an allowance may excuse one.
        faults: errors of files of commits, which count only if a branch has them still.
        paths: files that were looked at.
        set: what shows only across these files.
        complete: all files of the work tree are looked at.
        before: paths of staged files, with their blobs at HEAD.
        settings_before: the settings at HEAD, where the source is what is staged.
        beside: kustomization files of the index that may read what is staged.
        plan: the contents of the commits.
        words: rules and allowances of the team and of other tools, or None.
        listing: the staged files, where these are the source.
        ciphertexts: those of them that have some.
        uses: what other tools read of the files of the work tree, or None if that was not found out yet.
    """

    def __init__(self, request: ScanRequest, engine: Engine | None, part: Part | None = None) -> None:
        """Start with nothing found.

        Raises:
            GitError: git fails.
        """
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
        self.before: dict[str, str] = {}
        self.settings_before: bytes | None = None
        self.beside: Iterator[SourceFile] = iter(())
        self.plan: Plan | None = None
        self.faults: list[Fault] = []
        self.words: Words | None = None
        self.listing: Listing | None = None
        self.ciphertexts: list[StagedCiphertexts] = []
        self.uses: tuple[OtherUse, ...] | None = None

    def judge_by(
        self,
        trust: Trust,
        rules: Mapping[str, bytes | None] | None = None,
        files: Files | None = None,
    ) -> None:
        """Take what the findings are weighed by, which also says which files are secrets as a whole."""
        self.trust = trust
        self.settings = trust.settings()
        listed = () if self.settings is None else self.settings.secrets
        listing = self._list if self.request.source is Source.PATHS else None
        names = RuleNames(files or Files(os.fspath(self.root), listing, rules))
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

    def take(self, scan: FileScan) -> None:
        """Note what came of a file."""
        self.paths.add(scan.path)
        if scan.is_silent:  # as most are
            self.set.add_plain(scan.path, scan.commit)
            return
        if scan.error is not None:
            self.note_error(scan.error, scan.commit, scan.path)
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

    def note_error(self, error: FluxsecretsError, commit: str | None, path: str) -> None:
        """Note why a file could not be read or judged."""
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

    def is_chosen(self, path: str) -> bool:
        """Whether a path is one of those that were asked for, or below one."""
        if not self.request.paths or self.request.source is Source.STDIN:
            return True
        return any(path == each or not each or path.startswith(f"{each}/") for each in self._wanted)

    @cached_property
    def _wanted(self) -> tuple[str, ...]:
        return tuple(map(self.inside, self.request.paths))

    def inside(self, text: str, default: str | None = None) -> str:
        """A path as the repository has it, "" for its root, or the default if it is outside.

        Raises:
            UsageError: it is outside, and there is no default.
        """
        relative = os.path.relpath(self.request.cwd / text, self.root).replace(os.sep, "/")
        if relative == ".." or relative.startswith("../"):
            if default is not None:
                return default
            raise UsageError(f"{text!a} is outside of the repository", hint="name something in it")
        return "" if relative == "." else relative

    def watched(self, items: Iterator[Item], total: int) -> Iterator[Item]:
        """Results on their way, which may show progress."""
        return items if self.request.watch is None else self.request.watch(items, total)

    def rules(self) -> tuple[RuleInfo, ...]:
        """Every rule that may find something."""
        from fluxsecrets.scan.registry import all_rules

        return all_rules() if self.words is None else (*all_rules(), *self.words.infos)

    @contextmanager
    def listing_begun(self) -> Iterator[None]:
        """Let git list the files of the work tree, if it has to, while the caller does something else."""
        if self.request.listed is not None or self.repository is None:
            yield
            return
        with self.repository.files_begun() as listed:
            yield
            self.listed = listed()

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """The files of the work tree, those that git tracks or would."""
        if self.request.listed is not None:
            return self.request.listed
        if self.repository is not None:
            return self.repository.files()
        from fluxsecrets.repo.tree import walk_files

        return walk_files(self.root)

    def _list(self) -> tuple[str, ...]:
        return self.listed

    @cached_property
    def changed(self) -> dict[str, str]:
        """Files of the work tree that may differ from HEAD, with their blobs there or ""."""
        from fluxsecrets.repo.git.worktree import changes_since_head  # a hook does without it

        return changes_since_head(self.needed())

    def look_ahead(self) -> None:
        """Find out what the end of a scan of all files asks for."""
        if self.repository is not None:
            with suppress(GitError):  # it is raised where the answer is needed
                _ = self.changed
        if self.notes_uses:
            self.uses = _uses(self.root, self.listed)

    @property
    def notes_uses(self) -> bool:
        """Whether what other tools read is noted: of a work tree, if nobody waits with a commit."""
        request = self.request
        return request.source is Source.PATHS and not (request.paths or request.for_commit)

    def used(self) -> Iterable[OtherUse]:
        """What other tools read of the files that were looked at."""
        if self.uses is None:
            return _uses(self.root, sorted(self.paths))
        return [use for use in self.uses if use.path in self.paths]

    @cached_property
    def states_before(self) -> tuple[str, ...]:
        """The commits that the judged ones follow on; none for the whole history."""
        from .tips import states_before

        part = self.part
        if part is None or part.is_history:
            return ()
        return states_before(self.needed(), part.arguments)


def _uses(root: Path, paths: Iterable[str]) -> tuple[OtherUse, ...]:
    from fluxsecrets.repo.othertools import find_uses  # a hook does without it
    from fluxsecrets.repo.tree import make_tree

    return find_uses(make_tree(root, paths))


def _in_commit(allowances: tuple[InlineAllowance, ...], commit: str | None) -> Iterable[InlineAllowance]:
    if commit is None or not allowances:
        return allowances
    from fluxsecrets.records import replace

    return [replace(each, commit=commit) for each in allowances]
