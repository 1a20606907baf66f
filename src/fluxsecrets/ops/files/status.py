"""What state files are in: encrypted or plain, for whom, and whether you can open them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from fluxsecrets.errors import DataKeyError, FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.policy.drift import drift_of
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.parallel import run_jobs
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import Target
from fluxsecrets.sops.envelope import open_data_key
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.metadata import Metadata

from .content import check_encrypted, parse, refuse_leftovers


class State(StrEnum):
    """How a file stands."""

    ENCRYPTED = "encrypted"
    PLAIN = "plain"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FileStatus:
    """One file's state.

    Attributes:
        path: as shown to the user.
        state: encrypted, plain, or an error.
        values: encrypted values, where it is encrypted.
        recipients: names or shortened keys of those who can open it.
        openable: whether your identities open it; None where it is not encrypted.
        selector: such as `encrypted_regex: ^(data|stringData)$`.
        lastmodified: when a value last changed, RFC 3339.
        reason: why it counts as a secret.
        drift: where it differs from its rule: `recipients`, `selector`.
        error: what is wrong with it.
    """

    path: str
    state: State
    values: int | None = None
    recipients: tuple[str, ...] = ()
    openable: bool | None = None
    selector: str | None = None
    lastmodified: str | None = None
    reason: str = ""
    drift: tuple[str, ...] = ()
    error: FluxsecretsError | None = None


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """How to look.

    Attributes:
        names: recipient -> name.
    """

    names: Mapping[str, str] = field(default_factory=dict)


def file_states(session: Session, targets: Sequence[Target], options: StatusOptions) -> Iterator[FileStatus]:
    """The state of files, in order; one that cannot be read is reported and the others go on."""
    return run_jobs(partial(_look, session, options), targets)


def _look(session: Session, options: StatusOptions, target: Target) -> FileStatus:
    try:
        if target.problem is not None:
            raise target.problem
        return _state(session, options, target)
    except FluxsecretsError as error:
        return FileStatus(target.shown, State.FAILED, reason=target.reason, error=error.in_file(target.shown))


def _state(session: Session, options: StatusOptions, target: Target) -> FileStatus:
    format_ = make_format(target.format)
    content = read_file(target.path, limit=session.limits.size)
    document = parse(format_, content.data, session.limits)
    metadata = document.metadata
    if metadata is None:
        refuse_leftovers(document)
        return FileStatus(target.shown, State.PLAIN, reason=target.reason)
    values = check_encrypted(document, single_value=format_.single_value)
    return FileStatus(
        target.shown,
        State.ENCRYPTED,
        values,
        names_of(metadata.recipients, {**_anchor_names(session, target), **options.names}),
        _openable(session, metadata),
        f"{metadata.selector.kind.value}: {metadata.selector.pattern}",
        metadata.lastmodified,
        target.reason,
        tuple(drift_of(session, target.path, document, options.names)),
    )


def _anchor_names(session: Session, target: Target) -> Mapping[str, str]:
    """Names from the rule that applies to the file, if there is a valid one."""
    try:
        applied = session.rules_for(target.path)
    except FluxsecretsError:
        return {}
    return applied.matches[-1].rule.names if applied is not None and applied.matches else {}


def _openable(session: Session, metadata: Metadata) -> bool:
    try:
        open_data_key(metadata, session.providers)
    except DataKeyError:
        return False
    return True


def summary(states: Sequence[FileStatus]) -> str:
    """A sentence such as `3 files: 2 encrypted, 1 plain`."""
    counts = {state: sum(status.state is state for status in states) for state in State}
    parts = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    drifted = sum(bool(status.drift) for status in states)
    more = f" ({drifted} not as the rules want)" if drifted else ""
    noun = "file" if len(states) == 1 else "files"
    return f"{len(states)} {noun}: {parts}{more}" if parts else "0 files: no secret was found there"
