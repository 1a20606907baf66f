"""What is known of commits' files beside their contents: what they were before, and what reads them.

- A file that was encrypted in a parent, and is plain: decrypted where it is, or renamed at that.
- A plain file that a secretGenerator reads in the same commit, whichever of the two the commit changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fluxsecrets.findings import Finding, Location
from fluxsecrets.repo.git import Repository
from fluxsecrets.scan.fileset import escaped_path
from fluxsecrets.scan.scanner import FileScan, Scanner
from fluxsecrets.scan.sources.commits import Place, Plan

from .decrypted import copies, decrypted_lately, encrypted_blobs, lately, renamed
from .generators import Generators

_QUESTIONS = 50_000
"""How many files of commits git is asked for to tell when a generator read them."""


class CommitContext:
    """Collects what came of the commits' files, and judges them in their context."""

    def __init__(self, plan: Plan) -> None:
        """Take what is read."""
        self._plan = plan
        self._blobs = {place: unit.blob for unit in plan.units for place in unit.places}
        self._plain: list[Place] = []
        self._encrypted: set[str] = set()
        self._read: set[str] = set()
        self._generators = Generators()
        self._generating: dict[str, list[int]] = {}

    def add_plain(self, place: Place) -> None:
        """Take a file of which nothing is to be said but that it was read, and is plain."""
        self._read.add(self._blobs[place])
        self._plain.append(place)

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
                from fluxsecrets.scan.structure.wholefile import plain_file  # with all of `structure`

                found.add(path)
                yield plain_file(path, reason, commit, related)

    # --- what they were --------------------------------------------------------------------------------

    def _decrypted(self, repository: Repository) -> Iterator[_Whole]:
        """Files whose version in a parent was encrypted."""
        unread = {
            blob: place.path for place in self._plain for _, blob in place.before if blob not in self._read
        }
        encrypted = self._encrypted | encrypted_blobs(repository, unread)
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
        moved = {(place.first, self._blobs[place]) for place in self._blobs}  # as they are
        removed: dict[int, list[tuple[str, str]]] = {}
        for at, path, blobs in self._plan.removed:
            gone = [(path, blob) for blob in blobs if (at, blob) not in moved] if at in added else ()
            if gone:
                removed.setdefault(at, []).extend(gone)
        unread = {blob: path for each in removed.values() for path, blob in each if blob not in self._read}
        encrypted = self._encrypted | encrypted_blobs(repository, unread)
        moves = (
            (
                at,
                [(path, blob) for path, blob in files if blob in encrypted],
                [(place.path, self._blobs[place]) for place in added[at]],
            )
            for at, files in removed.items()
        )
        for at, path, before in copies(repository, moves):
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
        generators = self._generators
        generators.read(repository, scanner, before)
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
                    reason = f"a secretGenerator in {escaped_path(kustomization)} makes a Secret of it"
                    yield _Whole(path, self._plan.commits[plain[path][blob]], reason)
                    break


class _Whole(NamedTuple):
    """A plain file that is a secret as a whole, in a commit, and why."""

    path: str
    commit: str
    reason: str
    related: tuple[Location, ...] = ()


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
