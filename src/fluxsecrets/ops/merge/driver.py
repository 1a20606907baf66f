"""Git's merge driver: read the three versions, merge them, and replace the file that git reads back.

Git calls a driver for each file that both sides changed (`git help gitattributes`, "Defining a custom merge
driver"). It gives three temporary files, and takes the content of ours (`%A`) and the exit code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, FormatError, NotEncryptedError, UnprotectedError
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_atomic
from fluxsecrets.merging import Labels
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git.mergefile import marker_size, merge_file, shows_base
from fluxsecrets.shell import file_word
from fluxsecrets.sops.conflict import has_markers
from fluxsecrets.sops.formats import make_format

from .kinds import Kind, kind_of
from .model import MergeResult, Outcome, Versions
from .sealedsecrets import merge_sealed
from .threeway import merge_encrypted

UNMERGED = b"<<<<<<< these versions could not be merged\n"
"""The base that is left if several merge bases can't be merged: nothing can be merged with it."""


@dataclass(frozen=True, slots=True)
class DriverRequest:
    """One call of the driver.

    Attributes:
        base, ours, theirs: git's temporary files: `%O`, `%A`, `%B`. An empty base means that both sides added
            the file.
        path: of the file in the repository: `%P`.
        labels: for conflict markers: `%X`, `%S`, `%Y`, and their size `%L`.
    """

    base: Path
    ours: Path
    theirs: Path
    path: str
    labels: Labels


def run_driver(session: Session, request: DriverRequest) -> MergeResult:
    """Merge three versions, and replace ours with the result. If they can't be merged, ours stays.

    Raises:
        FileAccessError, LimitError: a file can't be read, or the result can't be written.
        GitError: git is missing.
    """
    limit = session.limits.size
    ours = read_file(session.cwd / request.ours, limit=limit)
    base = read_file(session.cwd / request.base, limit=limit).data
    versions = Versions(base or None, ours.data, read_file(session.cwd / request.theirs, limit=limit).data)
    result = _merge(session, request, versions)
    if not result.clean and _merges_bases(session, request):
        # Nobody can resolve that conflict, and it need not be one of the result.
        result = replace(result, data=_as_base(result), conflicts=(), notes=(), reason=None)
    if not ours.is_same(result.data):
        session.warn_of(ours.path, write_atomic(ours.path, result.data, expected=ours))
    return result


def _as_base(result: MergeResult) -> bytes:
    return UNMERGED if result.outcome is Outcome.REFUSED else result.data


def _merges_bases(session: Session, request: DriverRequest) -> bool:
    """Return whether git merges several merge bases into one, which it uses as the base afterwards.

    Markers are two characters longer with each level of that (git's merge-ort.c, `handle_content_merge`), and
    newer versions of git say so in the label.
    """
    labels = request.labels
    if labels.ours.startswith("Temporary merge branch"):
        return True
    return labels.size >= marker_size(session.cwd, request.path) + 2


def _merge(session: Session, request: DriverRequest, versions: Versions) -> MergeResult:
    given = (versions.base, versions.ours, versions.theirs)
    found = {kind_of(data, request.path, session.limits) for data in given if data is not None}
    if versions.base == UNMERGED:
        reason = UnprotectedError("the common ancestors of the two branches could not be merged")
        return MergeResult(Outcome.REFUSED, versions.ours, reason=reason)
    if versions.base is not None and all(map(has_markers, (versions.base, versions.ours))):
        return MergeResult(Outcome.REFUSED, versions.ours, reason=_replayed(request))
    kinds = {kind for kind, _ in found}
    format_ = make_format(next(iter(found))[1])
    labels = replace(request.labels, with_base=shows_base(session.cwd))
    if kinds == {Kind.ENCRYPTED} and len(found) == 1:
        return merge_encrypted(session, session.cwd / request.path, format_, versions, labels)
    if kinds & {Kind.ENCRYPTED, Kind.SECRET}:
        return MergeResult(Outcome.REFUSED, versions.ours, reason=_different(kinds))
    if kinds == {Kind.SEALED}:
        merged = merge_sealed(session, format_, versions, labels)
        if merged is not None:
            return merged
    return _as_git_does(session, request, versions)


def _replayed(request: DriverRequest) -> FluxsecretsError:
    # rerere.c, `try_merge`: git merges the conflict, the recorded conflict and its recorded resolution.
    return FormatError(
        "`git rerere` can't resolve an encrypted file as it did before",
        hint=f"run `fluxsecrets resolve {file_word(request.path)}`",
    )


def _as_git_does(session: Session, request: DriverRequest, versions: Versions) -> MergeResult:
    labels = request.labels
    names = (labels.ours, labels.base, labels.theirs)
    merged = merge_file(session.cwd, request.ours, request.base, request.theirs, names, labels.size)
    if merged.data is None:
        reason = UnprotectedError("git can't merge this file line by line")
        return MergeResult(Outcome.REFUSED, versions.ours, reason=reason)
    return MergeResult(Outcome.MERGED if merged.clean else Outcome.CONFLICTS, merged.data)


def _different(kinds: set[Kind]) -> FluxsecretsError:
    """Return why versions of these kinds are not merged."""
    if kinds == {Kind.SECRET}:
        return NotEncryptedError(
            "the file is a secret in plain text, and plain text is not merged",
            hint="encrypt it on both branches with `fluxsecrets encrypt FILE`, then merge",
        )
    return NotEncryptedError(
        "the file is encrypted on one side and plain text on the other",
        hint="encrypt it on both branches with `fluxsecrets encrypt FILE`, then merge",
    )
