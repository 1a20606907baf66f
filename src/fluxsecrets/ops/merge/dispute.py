"""A file in conflict, opened to be resolved: its versions, and the values on which the sides disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from fluxsecrets.errors import DataKeyError, FluxsecretsError, FormatError, GitError, IntegrityError
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.merging import MISSING, Conflict, Labels, Missing, Place, Side
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.keypaths import is_secret_data
from fluxsecrets.ops.run.inputs import must_exist, refuse_folder
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.git.conflicts import Conflicted, Origin, in_commits, in_index
from fluxsecrets.repo.secretrules import decode_base64
from fluxsecrets.sops.conflict import conflict_error, has_markers
from fluxsecrets.sops.document import Data, Document, find, show_path, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.document import Path as KeyPath
from fluxsecrets.sops.formats import Format, make_format

from .byhand import ByHand, by_hand
from .comparing import compared
from .kinds import Kind, kind_of
from .model import TAKE_A_SIDE, Versions
from .opening import OpenedVersions
from .severalbases import made_base

_SEALED = ("spec", "encryptedData")
_ID = 10
"""Digits of a commit's id in conflict markers."""


@dataclass(frozen=True, slots=True)
class Disputed:
    """One value on which the sides disagree.

    Attributes:
        conflict: the value on each side, as it is in the file.
        key: its path for people.
        document: the number of its YAML document, from 1; None if the file has one only.
        plain: its plain value on each side; what base64 under `data:` of a Secret decodes to. Empty if it
            can't be decrypted, such as in a SealedSecret.
    """

    conflict: Conflict
    key: str
    document: int | None
    plain: Mapping[Side, Data | Missing] = field(repr=False)

    @property
    def place(self) -> Place:
        """What picks name it by."""
        return self.conflict.place


@dataclass(frozen=True, slots=True)
class Dispute:
    """A file in conflict.

    Attributes:
        shown: its path as the user would name it.
        content: the file in the work tree; it must not have changed when the result is written.
        conflicted: where the versions come from.
        kind: encrypted, or SealedSecrets.
        values: the values on which the sides disagree, in document order.
        done: what was resolved or changed in the work tree by hand.
        whole: the file as a whole is the conflict, such as a binary one.
        complete: the file is none of the versions, and has no markers and a right MAC: it was resolved.
        base_made: the base was made of several common ancestors, and has values that nobody wrote.
    """

    path: Path
    shown: str
    repository: Repository
    content: FileContent
    conflicted: Conflicted
    versions: Versions
    kind: Kind
    format: Format
    values: tuple[Disputed, ...]
    done: ByHand
    whole: bool
    complete: bool
    base_made: bool

    @property
    def labels(self) -> Labels:
        """What is behind conflict markers that stay."""
        return Labels(
            _label("ours", self.conflicted.our_origin),
            "base",
            _label("theirs", self.conflicted.their_origin),
        )


def open_dispute(session: Session, text: str) -> Dispute | None:
    """Find the versions of a file in conflict, and compare them.

    Args:
        session: the run.
        text: the path as given.

    Returns:
        None if the file has no conflict.

    Raises:
        FileAccessError: the file can't be read.
        GitError: it is not in a repository, or the sides can't be found.
        FormatError: it is not a file that is merged by value, or a side can't be read.
        DataKeyError, IntegrityError: a side can't be decrypted, or its MAC is wrong.
    """
    try:
        return _open(session, text)
    except FluxsecretsError as error:
        raise error.in_file(text) from None


def _open(session: Session, text: str) -> Dispute | None:
    refuse_folder(session, text)
    must_exist(session.cwd / text)
    repository = find_repository((session.cwd / text).parent)
    if repository is None:
        raise GitError(
            "the file is not in a git repository, so the two sides can't be found",
            hint="a file with conflict markers alone does not hold them: ask for the two versions",
        )
    path = resolve_inside(session.cwd / text, repository.root)
    content = read_file(path, limit=session.limits.size)
    name = path.relative_to(repository.root.resolve()).as_posix()
    conflicted = in_index(repository, name)
    if conflicted is None:
        # Others that the operation in progress merged well are no conflict.
        if not _is_broken(session, name, content.data):
            return None
        conflicted = in_commits(repository, name, lambda data: _is_broken(session, name, data))
    if conflicted is None:
        raise _sides_missing(content.data)
    return _with_versions(session, text, repository, content, conflicted)


def _with_versions(
    session: Session, text: str, repository: Repository, content: FileContent, conflicted: Conflicted
) -> Dispute:
    versions = _versions(session, repository, conflicted)
    base_made = versions.base is not None and has_markers(versions.base)
    if base_made:
        versions = replace(versions, base=made_base(session, repository, conflicted, content))
    given = [data for data in (versions.base, versions.ours, versions.theirs) if data is not None]
    found = {kind_of(data, conflicted.path, session.limits) for data in given}
    kinds = {kind for kind, _ in found}
    if kinds not in ({Kind.ENCRYPTED}, {Kind.SEALED}) or len(found) != 1:
        raise _not_by_value(kinds)
    kind, format_name = found.pop()
    format_ = make_format(format_name)
    merged, documents, opened = compared(session, kind, format_, versions)
    return Dispute(
        content.path,
        text,
        repository,
        content,
        conflicted,
        versions,
        kind,
        format_,
        tuple(
            _disputed(
                replace(conflict, base=MISSING, base_part=None) if base_made else conflict,
                documents.ours,
                opened,
            )
            for conflict in merged.conflicts
        ),
        by_hand(format_, versions, documents, merged, content.data, session.limits),
        merged.whole,
        content.data not in given and not _is_broken(session, conflicted.path, content.data),
        base_made,
    )


def _versions(session: Session, repository: Repository, conflicted: Conflicted) -> Versions:
    """Read the three versions.

    Raises:
        GitError: one of the sides doesn't have the file.
    """
    if conflicted.ours is None or conflicted.theirs is None:
        side = "ours" if conflicted.ours is None else "theirs"
        raise GitError(
            f"{side} deleted the file, and the other side changed it",
            hint="keep it with `git add FILE`, or delete it with `git rm FILE`",
        )
    limit = session.limits.size
    with repository.objects() as read:
        blobs = [
            None if blob is None else read(blob, limit)
            for blob in (conflicted.base, conflicted.ours, conflicted.theirs)
        ]
    base, ours, theirs = blobs
    if ours is None or theirs is None or (base is None and conflicted.base is not None):
        raise FormatError(f"a side is too large: the limit is {limit // 2**20} MiB")
    return Versions(base, ours, theirs)


def _disputed(conflict: Conflict, ours: Document, opened: OpenedVersions | None) -> Disputed:
    key = show_path(conflict.path) if conflict.path else "the whole document"
    document = conflict.part + 1 if len(ours.parts) > 1 else None
    plain: dict[Side, Data | Missing] = {}
    if opened is None and conflict.path[: len(_SEALED)] != _SEALED:
        plain = {Side.BASE: conflict.base, Side.OURS: conflict.ours, Side.THEIRS: conflict.theirs}
    if opened is not None:
        for side, file, part in (
            (Side.BASE, opened.base, conflict.base_part),
            (Side.OURS, opened.ours, conflict.merged_part),
            (Side.THEIRS, opened.theirs, conflict.theirs_part),
        ):
            parts = () if file is None else file.parts
            node = find(parts[part], conflict.path) if part is not None and part < len(parts) else None
            plain[side] = (
                MISSING if node is None else _decoded(parts[part or 0], conflict.path, to_data(node))
            )
    return Disputed(conflict, key, document, plain)


def _decoded(root: MapNode, path: KeyPath, data: Data) -> Data:
    decoded = decode_base64(data) if is_secret_data(root, path) and isinstance(data, str) else None
    return data if decoded is None else decoded


def _is_broken(session: Session, path: str, data: bytes) -> bool:
    """Return whether a version has conflict markers, or a MAC that is wrong."""
    if has_markers(data):
        return True
    kind, format_name = kind_of(data, path, session.limits)
    if kind is not Kind.ENCRYPTED:
        return False
    try:
        open_file(make_format(format_name), data, session.providers, session.limits)
    except DataKeyError:
        return False
    except (IntegrityError, FormatError):
        return True
    except FluxsecretsError:
        return False
    return False


def _sides_missing(data: bytes) -> FluxsecretsError:
    conflict = conflict_error(data.decode("utf-8", "replace"))
    if conflict is None:
        return IntegrityError(
            "the MAC is wrong, and git knows of no merge that changed the file",
            hint="compare it with git: `git log -p FILE`",
        )
    conflict.message = "the file has conflict markers, and git does not have the two sides"
    conflict.hint = (
        "no merge is in progress, and no merge commit brought the markers: restore the file from before with "
        "`git log FILE` and `git checkout COMMIT -- FILE`"
    )
    return conflict


def _not_by_value(kinds: set[Kind]) -> FormatError:
    if Kind.ENCRYPTED in kinds:
        return FormatError(
            "the file is not encrypted on all sides, or not in the same format, and plain text is not merged",
            hint=TAKE_A_SIDE,
        )
    return FormatError(
        "the file is not encrypted, so it is not merged by value",
        hint="resolve the conflict in your editor, then `git add FILE`",
    )


def _label(side: str, origin: Origin | None) -> str:
    if origin is None:
        return side
    # Anyone may write a subject; what is in the file is shown by pagers and editors.
    subject = "".join(sign if sign.isprintable() else " " for sign in origin.subject)
    return f"{side} {origin.id[:_ID]} {subject}".rstrip()
