"""Encrypted files that are about to be committed: a merge or an edit by hand may have left them broken.

A file with conflict markers is refused, and so is one whose MAC is wrong.

A commit waits for this, so only identities at hand are used: no command runs, no device or passphrase is
asked for, and neither gpg nor the keyring of the system. A file for others stays unchecked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from fluxsecrets.errors import FluxsecretsError, IntegrityError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import SIGN_BYTES
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.ops.files.content import open_parsed, parse
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass, replace
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import BLOB_LIMIT, Repository
from fluxsecrets.sops.conflict import conflict_error
from fluxsecrets.sops.envelope import Providers
from fluxsecrets.sops.formats import Limits, format_for_path, make_format
from fluxsecrets.sops.metadata import Metadata

from .scanmodel import StagedCiphertexts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.sops.document import Document
    from fluxsecrets.sops.formats import Format

MOST = 2_000
"""Files that are checked; a commit with more would take too long."""

MOST_BYTES = 64 * 2**20
"""Bytes of all of them together."""


class File(NamedTuple):
    """A file to check.

    Attributes:
        parsed: what the scan has parsed it to with the usual limits, and the format; or None.
    """

    path: str
    data: bytes
    parsed: tuple[Format, Document] | None = None

    def __repr__(self) -> str:
        """Without the content."""
        return f"File({self.path!r}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class MacCheck:
    """Whether the MACs of files fit.

    Attributes:
        errors: one for each file whose MAC is wrong, or that has conflict markers.
        checked: how many were checked.
        unchecked: how many no identity at hand opens, or can't be parsed.
        left: how many were not looked at, since there were too many.
    """

    errors: tuple[FluxsecretsError, ...]
    checked: int
    unchecked: int
    left: int = 0


def check_staged_macs(
    session: Session, repository: Repository, files: Sequence[StagedCiphertexts]
) -> MacCheck:
    """Check the MACs of staged files.

    Args:
        session: the run.
        repository: whose index they are in.
        files: those that may be encrypted.

    Raises:
        GitError: an object is damaged.
    """
    return _check(session, _staged(repository, files[:MOST]), left=len(files[MOST:]))


def check_macs_of(session: Session, paths: Sequence[str]) -> MacCheck:
    """Check the MACs of files of the work tree, relative to the working directory.

    Links, and files that are too large or can't be read, are left to the scan.
    """
    return _check(session, _named(session, paths[:MOST]), left=len(paths[MOST:]))


def _named(session: Session, paths: Sequence[str]) -> Iterator[File]:
    for path in paths:
        with suppress(FluxsecretsError):
            data = read_file(session.cwd / path, limit=BLOB_LIMIT).data
            if SIGN_BYTES in data:
                yield File(path, data)


def _staged(repository: Repository, files: Sequence[StagedCiphertexts]) -> Iterator[File]:
    left = [file.blob for file in files if file.content is None]
    objects = repository.read_objects(left, limit=BLOB_LIMIT)
    for file in files:
        if file.content is not None:
            yield File(file.path, file.content.data, file.content.parsed)
        elif (data := next(objects)[2]) is not None:
            yield File(file.path, data)


def _check(session: Session, files: Iterable[File], *, left: int) -> MacCheck:
    held: list[File] = []
    size = 0
    for file in files:
        size += len(file.data)
        if size <= MOST_BYTES:
            held.append(file)
        else:
            left += 1
    results = [*run_jobs(partial(_wrong, session), held)]
    errors = tuple(each for each in results if isinstance(each, FluxsecretsError))
    checked = sum(each is not False for each in results)
    return MacCheck(errors, checked, len(results) - checked, left)


def _wrong(session: Session, file: File) -> FluxsecretsError | bool:
    """Why a file's MAC is wrong; True if it is right, False if it can't be checked."""
    path, data, _ = file
    name = detect_encryption(data, path) or format_for_path(path)
    if name == "binary" and not data.lstrip().startswith(b"{"):
        return False  # such as a guide that shows encrypted files
    format_ = make_format(name)
    try:
        document = _parsed(file, format_, session.limits)
        metadata = None if document.metadata is None else _at_hand(document.metadata, session.own_providers)
        if metadata is None:
            return False
        open_parsed(format_, replace(document, metadata=metadata), session.own_providers)
    except IntegrityError as error:
        return error.in_file(path)
    except FluxsecretsError:  # Flux can't read it either; who broke it may have no key
        conflict = conflict_error(data.decode("utf-8", "replace"))
        return False if conflict is None else conflict.in_file(path)
    return True


def _parsed(file: File, format_: Format, limits: Limits) -> Document:
    if file.parsed is not None and file.parsed[0].name == format_.name and limits == Limits():
        return file.parsed[1]
    return parse(format_, file.data, limits)


def _at_hand(metadata: Metadata, providers: Providers) -> Metadata | None:
    """A `sops` block with the keys alone whose identities are at hand, or None if they are not enough."""
    groups = metadata.key_groups
    needed = 1 if len(groups) == 1 else max(2, metadata.shamir_threshold or len(groups))
    usable = []
    for group in groups:
        keys = tuple(key for key in group.keys if providers[key.recipient.kind].at_hand(key.recipient))
        if keys:
            usable.append(group._replace(keys=keys))
    if len(usable) < needed:
        return None
    return replace(metadata, key_groups=tuple(usable[:needed]), shamir_threshold=needed if needed > 1 else 0)
