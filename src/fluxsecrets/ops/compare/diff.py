"""What differs between two states of a repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fluxsecrets.errors import FileAccessError, FluxsecretsError, GitError, UsageError
from fluxsecrets.marks import MANIFEST_SUFFIXES, SETTINGS_NAME, SIGN_BYTES
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.waiting import waits_to_open
from fluxsecrets.repo.discover import SecretFile, SecretKind, discover, is_chart_template
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.manifests import read_manifests
from fluxsecrets.repo.settings import parse_settings
from fluxsecrets.repo.snapshot import snapshots
from fluxsecrets.repo.states import changes, state_of
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.formats import evident_format, format_for_path

from .compare import compare
from .masking import Masker
from .model import FileDiff, FileState, SideInfo, Version
from .names import Names, names_in
from .renames import renamed
from .revisions import read_words

_SEALED_OR_EXTERNAL = (b"SealedSecret", b"ExternalSecret")


@dataclass(frozen=True, slots=True)
class DiffRequest:
    """Which states to compare, and how.

    Attributes:
        words: revisions, then paths; at most two revisions, or a range.
        paths: those behind `--`.
        staged: the index is the later state.
        show_values: put values into the result.
        no_keys: decrypt nothing.
        no_guesses: do not compare plain values with encrypted ones: their author could try out guesses.
    """

    words: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    staged: bool = False
    show_values: bool = False
    no_keys: bool = False
    no_guesses: bool = False


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between two states.

    Attributes:
        root: of the repository.
        before, after: the states, for people.
        files: in order.
        request: what was asked for.
    """

    root: Path
    before: str
    after: str
    files: tuple[FileDiff, ...]
    request: DiffRequest

    @property
    def failed(self) -> bool:
        """Whether a file can't be read, so that nobody knows what differs."""
        return any(each.state is FileState.UNREADABLE for each in self.files)


class _Unread(NamedTuple):
    """A version that can't be read."""

    path: str
    error: FluxsecretsError


_Found = Version | _Unread
_Job = tuple[_Found | None, _Found | None]


def diff(session: Session, request: DiffRequest) -> Diff:
    """Compare the secrets of two states of the repository that the working directory is in.

    Raises:
        UsageError: a word is neither a revision nor a path, or both; or a path leads out of the repository.
        GitError: this is not a repository, or git can't read it.
        ConfigError, FileAccessError: `.fluxsecrets.yaml` is invalid, so it is unknown what may run.
    """
    repository = find_repository(session.cwd)
    if repository is None:
        raise GitError(
            "this is not a git repository, so there is nothing to compare with",
            path=session.shown(session.cwd),
            hint="run it inside a repository",
        )
    asked = read_words(repository, session.cwd, request.words, request.paths, staged=request.staged)
    states = (state_of(repository, asked.before.name), state_of(repository, asked.after.name))
    _refuse_unknown(repository, session.cwd, asked.paths, {path for each in states for path in each.entries})
    wanted = _filter(repository, session.cwd, asked.paths)
    either = {path for each in changes(*states) for path in (each.path, each.old_path) if path is not None}
    jobs: Sequence[_Job] = ()
    names = Names()
    if changed := frozenset(filter(wanted, either)):
        with snapshots(repository, states, session.limits) as (before, after):
            jobs = _jobs(before, after, changed)
            names = Names.between(names_in(before), names_in(after)) if jobs else names
    work = partial(_compare, session, request, Masker(), names)
    waits = None if request.no_keys else partial(_waits, session)
    found = session.watched(run_jobs(work, jobs, waits=waits), len(jobs), "comparing")
    files = tuple(sorted((each for each in found if each.differs), key=lambda each: each.path))
    return Diff(repository.root, asked.before.shown, asked.after.shown, files, request)


def _waits(session: Session, job: _Job) -> bool:
    return any(isinstance(side, Version) and waits_to_open(session, side.data) for side in job)


def _filter(repository: Repository, folder: Path, paths: Collection[str]) -> Callable[[str], bool]:
    """Whether a path is one of some files, or below one of some folders."""
    wanted = {_inside(repository, folder, text) for text in paths}
    if not wanted or "." in wanted:
        return lambda path: True
    return lambda path: (
        path in wanted or any(parent.as_posix() in wanted for parent in PurePosixPath(path).parents)
    )


def _inside(repository: Repository, folder: Path, text: str) -> str:
    """A path as it was given, relative to the root; `.` is the root.

    Raises:
        UsageError: it leads out of the repository.
    """
    path = os.path.relpath(os.path.normpath(folder / text), repository.root).replace(os.sep, "/")
    if path == ".." or path.startswith("../"):
        raise UsageError(f"{text!a} is outside of the repository", hint="name a path in it")
    return path


def _refuse_unknown(repository: Repository, folder: Path, paths: Collection[str], files: Set[str]) -> None:
    """Refuse a path that is in neither state: a misspelt one would look like one without differences.

    Raises:
        UsageError: there is one.
    """
    for text in paths:
        if not os.path.lexists(folder / text) and not any(map(_filter(repository, folder, [text]), files)):
            raise UsageError(f"{text!a} is in neither of the two states", hint="check its spelling")


def _jobs(before: Tree, after: Tree, changed: Set[str]) -> list[_Job]:
    """The pairs of versions that are worth a comparison."""
    # What either state lists counts in both: a change must not take a file out of sight.
    extra = tuple(dict.fromkeys((*_listed(before), *_listed(after))))
    first, second = (_secrets(each, changed, extra) for each in (before, after))
    pairs: dict[str, _Job] = {}
    for path in sorted(first.keys() | second.keys()):
        one = _version(before, path, first.get(path), second.get(path))
        two = _version(after, path, second.get(path), first.get(path))
        pairs[path] = (one, two)
    return [*_with_renames(pairs, lambda: _new_plain(before, after, changed - pairs.keys()))]


def _listed(tree: Tree) -> tuple[str, ...]:
    """The globs under `secrets` of `.fluxsecrets.yaml`; none if it can't be read."""
    with suppress(FluxsecretsError):
        if SETTINGS_NAME in tree.files:
            return parse_settings(tree.read(SETTINGS_NAME)).secrets
    return ()


def _secrets(tree: Tree, changed: Collection[str], extra: tuple[str, ...]) -> Mapping[str, SecretFile | None]:
    """The secrets among the changed files, and the manifests with a SealedSecret or ExternalSecret: None."""
    there = [path for path in changed if path in tree.files]
    found: dict[str, SecretFile | None] = {}
    if there:
        found.update((each.path, each) for each in discover(tree, paths=there, extra=extra))
    found.update((path, None) for path in there if path not in found and _is_sealed_or_external(tree, path))
    return found


def _is_sealed_or_external(tree: Tree, path: str) -> bool:
    if not path.endswith(MANIFEST_SUFFIXES) or is_chart_template(tree, path):
        return False
    try:
        data = _read(tree, path)
        if data is None or not any(word in data for word in _SEALED_OR_EXTERNAL):
            return False
        manifests = read_manifests(data, path, tree.limits).manifests
    except FluxsecretsError:
        return False
    return any(each.kind.encode().endswith(_SEALED_OR_EXTERNAL) for each in manifests)


def _read(tree: Tree, path: str) -> bytes | None:
    """The content of a file, or None if it is not a regular file there.

    Raises:
        FileAccessError, GitError, LimitError: it can't be read.
    """
    if path not in tree.files:
        return None
    try:
        return None if tree.size(path) is None else tree.read(path)
    except FileAccessError:
        if not os.path.lexists(tree.root / path):
            return None  # deleted meanwhile
        raise


def _version(tree: Tree, path: str, own: SecretFile | None, other: SecretFile | None) -> _Found | None:
    """A version of a file that is a secret in one of the states."""
    try:
        data = _read(tree, path)
    except FluxsecretsError as error:
        return _Unread(path, error.in_file(path))
    if data is None:
        return None
    judged = own or other
    name = evident_format(path, data) or (format_for_path(path) if judged is None else judged.format)
    whole = own is not None and own.kind is not SecretKind.MANIFEST
    return Version(path, data, name, whole)


def _new_plain(before: Tree, after: Tree, paths: Collection[str]) -> list[Version]:
    """New files that are not secrets by name or content: a decrypted file may be under a new name."""
    found = []
    for path in sorted(paths):
        if path in before.files or path not in after.files:
            continue
        try:
            data = _read(after, path)
        except FluxsecretsError:
            continue
        if data:
            found.append(Version(path, data, format_for_path(path), secret=True))
    return found


def _with_renames(pairs: Mapping[str, _Job], new_plain: Callable[[], list[Version]]) -> Iterator[_Job]:
    """The pairs, with removed and new files put together where they are the same file."""
    removed = [one for one, two in pairs.values() if isinstance(one, Version) and two is None]
    added = [two for one, two in pairs.values() if isinstance(two, Version) and one is None]
    moved = renamed(removed, added)
    gone = {version.path for version in moved.values()}
    encrypted = [each for each in removed if each.path not in gone and SIGN_BYTES in each.data]
    plain = {version.path: version for version in new_plain()} if encrypted else {}
    decrypted = renamed(encrypted, [*plain.values()])
    gone |= {version.path for version in decrypted.values()}
    for path, (one, two) in pairs.items():
        if path in moved:
            yield moved[path], two
        elif path not in gone:
            yield one, two
    for path, old in decrypted.items():
        yield old, plain[path]


def _compare(session: Session, request: DiffRequest, masker: Masker, names: Names, job: _Job) -> FileDiff:
    one, two = job
    for each in job:
        if isinstance(each, _Unread):
            sides = [None if side is None else _info(side) for side in job]
            return FileDiff(each.path, None, FileState.UNREADABLE, before=sides[0], after=sides[1])
    assert not isinstance(one, _Unread)  # noqa: S101
    assert not isinstance(two, _Unread)  # noqa: S101
    return compare(
        session,
        one,
        two,
        masker=masker,
        names=names,
        with_keys=not request.no_keys,
        show_values=request.show_values,
        no_guesses=request.no_guesses,
    )


def _info(found: _Found) -> SideInfo:
    return SideInfo(found.path, secret=True, error=found.error if isinstance(found, _Unread) else None)
