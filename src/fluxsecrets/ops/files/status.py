"""The state of files: encrypted or plain, for whom, and whether you can decrypt them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial

from fluxsecrets.errors import DataKeyError, FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import is_proposal_name
from fluxsecrets.ops.policy.drift import Drift, drift_of
from fluxsecrets.ops.policy.policy import names_in_rule
from fluxsecrets.ops.run.afterkill import left_behind
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.names import names_of, read_public_keys
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import Selection, select, tree_of
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.repo.offboarding import OpenFile, read_leavers, with_leavers
from fluxsecrets.repo.othertools import OtherUse, decrypted_by, find_listing_uses, find_uses, notes_of
from fluxsecrets.sops.envelope import groups_needed, open_data_key
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.metadata import Metadata

from .content import check_encrypted, parse, refuse_leftovers
from .openwork import OpenWork, open_work

TYPE_CHECKING = False
if TYPE_CHECKING:  # few repositories have proposals
    from fluxsecrets.repo.proposals import Waiting


class State(StrEnum):
    """The state of a file."""

    ENCRYPTED = "encrypted"
    PLAIN = "plain"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileStatus:
    """One file's state.

    Attributes:
        path: as shown to the user.
        state: encrypted, plain, or an error.
        values: the number of encrypted values, if it is encrypted.
        recipients: names or shortened keys of its recipients.
        openable: whether your identities can decrypt it; None if it is not encrypted, or nobody can tell.
        locked: why nobody can tell: the identities that stayed locked, such as a passphrase that nobody gave.
        selector: such as `encrypted_regex: ^(data|stringData)$`.
        lastmodified: when a value last changed, RFC 3339.
        reason: why it counts as a secret.
        drift: how it differs from its rule: `recipients`, `selector`, `rule`.
        error: the error, or None.
        keys: for whom it is encrypted, or None.
        decrypted_by: the tool other than Flux that a file of the repository gives it to, or None.
    """

    path: str
    state: State
    values: int | None = None
    recipients: tuple[str, ...] = ()
    openable: bool | None = None
    selector: str | None = None
    lastmodified: str | None = None
    reason: str = ""
    drift: tuple[Drift, ...] = ()
    error: FluxsecretsError | None = None
    keys: OpenFile | None = field(default=None, repr=False)
    decrypted_by: OtherUse | None = None
    locked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """The files to look at; without paths and environment, the whole repository."""

    paths: tuple[str, ...] = ()
    environment: str | None = None
    input_type: str | None = None


@dataclass(frozen=True, slots=True)
class StatusResult:
    """The state of files.

    Attributes:
        files: each once, in order.
        notes: what was not followed or not understood in the search.
        work: what is left to do by people who can open files.
        proposals: those among the files that wait to be folded, or that nothing applies.
        errors: records of people who left that can't be read, and plain text of killed runs.
    """

    files: tuple[FileStatus, ...]
    notes: tuple[str, ...]
    request: StatusRequest
    work: OpenWork = field(default_factory=OpenWork)
    errors: tuple[FluxsecretsError, ...] = ()
    proposals: tuple[Waiting, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the state of any file is unknown."""
        return bool(self.errors) or any(each.state is State.FAILED for each in self.files)


def status(session: Session, request: StatusRequest) -> StatusResult:
    """Return the state of files. An unreadable file is reported, and the others are still read.

    Raises:
        UsageError, GitError, ConfigError, FileAccessError: see `select`.
    """
    selection = select(session, request.paths, request.environment, request.input_type)
    leavers, errors = read_leavers(selection.root)
    look = partial(_look, session, with_leavers(read_public_keys(selection.root), leavers))
    looks = _looks(session, look, selection.targets)
    uses = _uses(session, selection, request)
    readers = decrypted_by(uses)
    states = tuple(
        _with_reader(state, target, readers)
        for state, target in zip(
            session.watched(looks, len(selection.targets), "looking"), selection.targets, strict=True
        )
    )
    keys = (each.keys for each in states if each.keys is not None)
    drifted = {each.path for each in states if Drift.RECIPIENTS in each.drift and not each.openable}
    work = open_work(session, leavers, keys, drifted)
    if not request.paths:
        errors = (*errors, *left_behind(session.environ, session.cwd))
    proposals = _proposals(session, selection.targets)
    others = () if request.paths else notes_of(uses)
    notes = (*selection.notes, *(f"{each.path}:{each.line}: {each.message}" for each in others))
    return StatusResult(states, notes, request, work, errors, proposals)


def _looks(
    session: Session, look: Callable[[Target], FileStatus], targets: Sequence[Target]
) -> Iterator[FileStatus]:
    """The state of each file, over several processes or threads where there is enough to do."""
    if len(targets) == 1:
        return map(look, targets)
    from fluxsecrets.ops.run.parallel import run_jobs
    from fluxsecrets.ops.run.waiting import waits_for_file

    return run_jobs(look, targets, waits=partial(waits_for_file, session))


def _uses(session: Session, selection: Selection, request: StatusRequest) -> tuple[OtherUse, ...]:
    """What other tools read; of named files, only what they decrypt is asked for."""
    if not request.paths:
        return find_uses(tree_of(session, selection))
    few = selection.places.few(selection.root) if selection.places is not None else None
    if few is not None and not find_listing_uses(few):
        return ()
    return find_listing_uses(tree_of(session, selection))


def _with_reader(state: FileStatus, target: Target, readers: Mapping[str, OtherUse]) -> FileStatus:
    return replace(state, decrypted_by=readers.get(target.repository_path or target.shown))


def _proposals(session: Session, targets: Sequence[Target]) -> tuple[Waiting, ...]:
    """The proposals among some files, with paths as shown; those of overlays stay, and don't wait."""
    mine = {each.path: each.shown for each in targets if is_proposal_name(each.path.name)}
    if not mine:
        return ()
    from fluxsecrets.repo.proposals import find_waiting
    from fluxsecrets.repo.tree import open_tree

    tree = open_tree(next(iter(mine)).parent, limits=session.limits)
    root = tree.root.resolve()
    return tuple(
        replace(each, path=mine[root / each.path])
        for each in find_waiting(tree)
        if root / each.path in mine and not each.is_of_overlay
    )


def _look(session: Session, names: Mapping[str, str], target: Target) -> FileStatus:
    try:
        if target.problem is not None:
            raise target.problem
        return _state(session, names, target)
    except FluxsecretsError as error:
        return FileStatus(target.shown, State.FAILED, reason=target.reason, error=error.in_file(target.shown))


def _state(session: Session, names: Mapping[str, str], target: Target) -> FileStatus:
    format_ = make_format(target.format)
    content = read_file(target.path, limit=session.limits.size)
    document = parse(format_, content.data, session.limits)
    metadata = document.metadata
    if metadata is None:
        refuse_leftovers(document)
        return FileStatus(target.shown, State.PLAIN, reason=target.reason)
    values = check_encrypted(document, single_value=format_.single_value)
    openable, locked = _openable(session, metadata)
    return FileStatus(
        target.shown,
        State.ENCRYPTED,
        values,
        names_of(metadata.recipients, {**names_in_rule(session, target.path), **names}),
        openable,
        f"{metadata.selector.kind.value}: {metadata.selector.pattern}",
        metadata.lastmodified,
        target.reason,
        tuple(drift_of(session, target.path, document, names)),
        keys=OpenFile(
            target.repository_path or target.shown,
            target.shown,
            metadata.recipients,
            groups_needed(metadata.recipients, metadata.shamir_threshold),
        ),
        locked=locked,
    )


def _openable(session: Session, metadata: Metadata) -> tuple[bool | None, tuple[str, ...]]:
    """Whether the user can decrypt a file; None with the reasons if only what stayed locked could tell."""
    try:
        open_data_key(metadata, session.providers)
    except DataKeyError as error:
        locked = () if error.tried is None else error.tried.locked
        return None if locked else False, tuple(dict.fromkeys(each.reason for each in locked))
    return True, ()
