"""What is known of commits' files beside their contents: what they were before, and what reads them.

- A file that was encrypted in a parent, and is plain: decrypted where it is, or renamed at that.
- A plain file that a secretGenerator reads in the same commit, whichever of the two the commit changed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fluxsecrets.findings import Finding, Location
from fluxsecrets.marks import SIGN_BYTES, is_kustomization
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.history import stream_changes
from fluxsecrets.repo.git.survey import readable_objects
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.decrypted import holds_values_of
from fluxsecrets.scan.scanner import FileScan, Scanner
from fluxsecrets.scan.sources import SourceFile
from fluxsecrets.scan.sources.commits import Place, Plan
from fluxsecrets.scan.structure.kustomize import listed_generators
from fluxsecrets.scan.structure.wholefile import plain_file

LATELY = 1000
"""Commits before a state in which is looked for encrypted versions of its plain files."""

_METADATA = 200
"""Bytes by which an encrypted file is larger than a plain one at least: the MAC alone has more."""

_QUESTIONS = 50_000
"""How many files of commits git is asked for to tell when a generator read them."""


class _Generators(NamedTuple):
    """By the file that is read: by kustomization file, its blobs that read it and the line in each."""

    by_target: dict[str, dict[str, dict[str, int]]]

    def add(self, path: str, blob: str, generated: Iterable[tuple[str, int]]) -> None:
        for target, line in generated:
            self.by_target.setdefault(target, {}).setdefault(path, {})[blob] = line


class CommitContext:
    """Collects what came of the commits' files, and judges them in their context."""

    def __init__(self, plan: Plan) -> None:
        """Take what is read."""
        self._plan = plan
        self._blobs = {place: unit.blob for unit in plan.units for place in unit.places}
        self._plain: list[Place] = []
        self._encrypted: set[str] = set()
        self._read: set[str] = set()
        self._generators = _Generators({})
        self._generating: dict[str, list[int]] = {}

    def add(self, place: Place, scan: FileScan) -> None:
        """Take what came of a file."""
        blob = self._blobs[place]
        self._read.add(blob)
        if any(each.encrypted for each in scan.scanned):
            self._encrypted.add(blob)
        elif scan.error is None and not any(each.place or each.empty for each in scan.scanned):
            self._plain.append(place)
        for each in scan.scanned:
            if each.generated:
                self._generators.add(place.path, blob, each.generated)
                self._generating.setdefault(place.path, []).append(place.first)

    def findings(self, repository: Repository, scanner: Scanner, before: Sequence[str]) -> Iterator[Finding]:
        """The plain files that are secrets as a whole, each path once, in its first commit.

        Args:
            repository: with the commits.
            scanner: reads kustomization files that the commits don't change.
            before: the states that the commits follow on.

        Raises:
            GitError: an object cannot be read.
        """
        found: set[str] = set()
        for path, commit, reason, related in (
            *self._decrypted(repository),
            *self._renamed(repository),
            *self._decrypted_lately(repository, before),
            *self._generated(repository, scanner, before),
        ):
            if path not in found:
                found.add(path)
                yield plain_file(path, reason, commit, related)

    # --- what they were --------------------------------------------------------------------------------

    def _decrypted(self, repository: Repository) -> Iterator[_Whole]:
        """Files whose version in a parent was encrypted."""
        unread = {
            blob: place.path for place in self._plain for _, blob in place.before if blob not in self._read
        }
        encrypted = self._encrypted | _encrypted(repository, unread)
        for place in self._plain:
            at = next((at for at, blob in place.before if blob in encrypted), None)
            if at is not None:
                yield _Whole(place.path, self._first(place), lately(self._plan.commits[at]))

    def _first(self, place: Place) -> str:
        """The commit that a finding in a content is of."""
        return self._plan.commits[place.first]

    def _renamed(self, repository: Repository) -> Iterator[_Whole]:
        """New files with the values of an encrypted file that the same commit removed."""
        added: dict[int, list[Place]] = {}
        for place in self._plain:
            if not place.before:
                added.setdefault(place.first, []).append(place)
        removed: dict[int, list[tuple[str, str]]] = {}
        for at, path, blobs in self._plan.removed:
            if at in added:
                removed.setdefault(at, []).extend((path, blob) for blob in blobs)
        unread = {blob: path for each in removed.values() for path, blob in each if blob not in self._read}
        encrypted = self._encrypted | _encrypted(repository, unread)
        for at, files in removed.items():
            gone = [(path, blob) for path, blob in files if blob in encrypted]
            new = {place.path: self._blobs[place] for place in added[at]}
            for path, before in _copies(repository, gone, new) if gone else ():
                yield _Whole(path, self._plan.commits[at], renamed(before))

    def _decrypted_lately(self, repository: Repository, before: Sequence[str]) -> Iterator[_Whole]:
        """Files that were plain already before these commits, and encrypted shortly before that."""
        changed = {place.path: place for place in reversed(self._plain) if place.before}
        for path, commit in decrypted_lately(repository, before, changed).items():
            yield _Whole(path, self._first(changed[path]), lately(commit))

    # --- what reads them -------------------------------------------------------------------------------

    def _generated(self, repository: Repository, scanner: Scanner, before: Sequence[str]) -> Iterator[_Whole]:
        """Files that a secretGenerator reads in a commit that has the file in plain text."""
        if not self._plain:
            return
        generators = generators_at(repository, scanner, before, self._generators)
        plain: dict[str, dict[str, int]] = {}
        for place in self._plain:
            if place.path in generators.by_target and "\n" not in place.path:
                plain.setdefault(place.path, {}).setdefault(self._blobs[place], place.first)
        questions: dict[tuple[str, str], list[int]] = {}
        for path, blobs in plain.items():
            for kustomization in generators.by_target[path]:
                when = {*blobs.values(), *self._generating.get(kustomization, ())}
                questions[path, kustomization] = sorted(when)
        answers = _blobs_at(
            repository,
            (
                (self._plan.commits[at], name)
                for (path, kustomization), when in questions.items()
                for at in when
                for name in (path, kustomization)
            ),
        )
        for (path, kustomization), commits in questions.items():
            reading = generators.by_target[path][kustomization]
            for at in commits:
                commit = self._plan.commits[at]
                by = answers.get((commit, kustomization))
                blob = answers.get((commit, path))
                if by in reading and blob in plain[path]:
                    reason = f"a secretGenerator in {_escaped(kustomization)} makes a Secret of it"
                    related = (Location(kustomization, reading[by], None, commit),)
                    yield _Whole(path, self._plan.commits[plain[path][blob]], reason, related)
                    break


class _Whole(NamedTuple):
    """A plain file that is a secret as a whole, in a commit, and why."""

    path: str
    commit: str
    reason: str
    related: tuple[Location, ...] = ()


def decrypted_lately(
    repository: Repository, revisions: Sequence[str], paths: Collection[str]
) -> dict[str, str]:
    """Those of some plain files that a commit shortly before turned from encrypted to plain, and which.

    `LATELY` commits are looked at: a file that was decrypted on purpose is not reported for ever. To read old
    contents costs git much, so those alone are read that are larger than what took their place.

    Args:
        repository: with the commits; a shallow clone's border ends the search.
        revisions: the states in which the files are plain; none for none.
        paths: the files.

    Raises:
        GitError: a commit cannot be read.
    """
    if not revisions or not paths:
        return {}
    listing = repository.run("rev-list", f"--max-count={LATELY}", *revisions, "--")
    changes = [
        change
        for change in stream_changes(repository, listing.decode("ascii").split())
        if change.blob is not None and change.before and change.path in paths
    ]
    sizes = _sizes(repository, {blob for each in changes for blob in (*each.before, each.blob or "")})
    shrunk = {
        blob: each.path
        for each in changes
        for blob in each.before
        if sizes.get(blob, 0) >= sizes.get(each.blob or "", 0) + _METADATA
    }
    encrypted = _encrypted(repository, shrunk)
    turned = [each for each in changes if not encrypted.isdisjoint(each.before)]
    encrypted |= _encrypted(repository, {each.blob or "": each.path for each in turned})
    found: dict[str, str] = {}
    for change in turned:
        if change.blob not in encrypted:
            found.setdefault(change.path, change.commit)
    return found


def _sizes(repository: Repository, blobs: Collection[str]) -> dict[str, int]:
    """The sizes of blobs, which costs git far less than the contents of old ones."""
    if not blobs:
        return {}
    asked = "".join(f"{blob}\n" for blob in blobs).encode("ascii")
    answers = repository.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=asked)
    words = (line.split(" ") for line in answers.decode("ascii").splitlines())
    return {name: int(size) for name, size in words if size.isdigit()}


def lately(commit: str) -> str:
    """Why a file that was decrypted shortly before is a secret."""
    return f"it was encrypted before commit {commit[:10]}"


def decrypted_copies(
    repository: Repository, removed: Sequence[tuple[str, str]], added: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """New plain files with the values of encrypted files that go away, and the paths of those.

    Args:
        repository: with the blobs.
        removed: path and blob of each file that is removed.
        added: blobs of plain files by path.

    Raises:
        GitError: a blob cannot be read.
    """
    encrypted = _encrypted(repository, {blob: path for path, blob in removed})
    yield from _copies(repository, [(path, blob) for path, blob in removed if blob in encrypted], added)


def _copies(
    repository: Repository, removed: Sequence[tuple[str, str]], added: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    if not removed:
        return
    wanted = {*(blob for _, blob in removed), *added.values()}
    contents = {name: data or b"" for name, _, data in readable_objects(repository, wanted)}
    for path, blob in added.items():
        for before, old in removed:
            if holds_values_of(contents[old], contents[blob]):
                yield path, before
                break


def renamed(before: str) -> str:
    """Why a file with the values of an encrypted one is a secret."""
    return f"it has the values of {_escaped(before)}, which was encrypted"


def generators_at(
    repository: Repository, scanner: Scanner, revisions: Sequence[str], known: _Generators | None = None
) -> _Generators:
    """What the secretGenerators of some states read, added to what is known; "" is the index."""
    found = known or _Generators({})
    seen: dict[tuple[str, str], None] = {}
    trees: dict[str, dict[str, str]] = {}
    for revision in revisions:
        tree = trees[revision] = dict(_files(repository, revision))
        seen.update(dict.fromkeys((path, blob) for path, blob in tree.items() if is_kustomization(path)))
    contents = {
        name: data for name, _, data in readable_objects(repository, {blob for _, blob in seen}) if data
    }
    more: dict[tuple[str, str], None] = {}
    for path, blob in seen:
        data = contents.get(blob, b"")
        if b"generators" in data:
            names = listed_generators(data, path)
            more.update(
                dict.fromkeys((each, tree[each]) for tree in trees.values() for each in names if each in tree)
            )
        if b"ecretGenerator" in data:
            _read_generators(scanner, path, blob, data, found)
    contents = {
        name: data for name, _, data in readable_objects(repository, {blob for _, blob in more}) if data
    }
    for path, blob in more:
        _read_generators(scanner, path, blob, contents.get(blob, b""), found)
    return found


def _read_generators(scanner: Scanner, path: str, blob: str, data: bytes, into: _Generators) -> None:
    for each in scanner.scan(SourceFile(path, (Blob(path, data),))).scanned:
        into.add(path, blob, each.generated)


def _files(repository: Repository, revision: str) -> Iterator[tuple[str, str]]:
    arguments = ("ls-tree", "-r", "-z", "--full-tree", revision) if revision else ("ls-files", "-s", "-z")
    for record in os.fsdecode(repository.run(*arguments)).split("\0"):
        entry, _, path = record.partition("\t")
        if entry.startswith("100"):
            yield path, entry.split(" ")[2 if revision else 1]


def _blobs_at(repository: Repository, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The ids of files in commits, where they are there: one git answers all."""
    wanted = [*dict.fromkeys(places)][:_QUESTIONS]
    if not wanted:
        return {}
    asked = "".join(f"{commit}:{path}\n" for commit, path in wanted)
    answers = repository.run("cat-file", "--batch-check", stdin=os.fsencode(asked)).split(b"\n")
    return {
        place: answer[: answer.index(b" ")].decode("ascii")
        for place, answer in zip(wanted, answers, strict=False)
        if b" blob " in answer
    }


def _encrypted(repository: Repository, blobs: Mapping[str, str]) -> set[str]:
    """Those of some blobs, with a path of each, that are encrypted."""
    return {
        name
        for name, _, data in readable_objects(repository, blobs)
        if data is not None and SIGN_BYTES in data and detect_encryption(data, blobs[name]) is not None
    }


def _escaped(path: str) -> str:
    return ascii(path)[1:-1]
