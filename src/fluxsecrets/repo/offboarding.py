"""People who left, as `offboarding/NAME.json` records them, and what their removal still has to change.

Whether a file is still encrypted for someone who left follows from the file itself. Only what no identity
could tell on that day is in the record: it has no other trace.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import OFFBOARDING_FOLDER
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.recipients import (
    Recipient,
    RecipientKey,
    attribute_of,
    context_of,
    kms,
    kms_from_arn,
    recipient_key,
    recipient_text,
)

from .openers import Openers, openers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = 1
RECORD_LIMIT = 16 * 2**20
"""Bytes of a record."""


@dataclass(frozen=True, slots=True)
class Leaver:
    """Someone who left.

    Attributes:
        since: the day of the removal, in ISO form.
        unsettled: the files whose data key they may know, by their paths in the repository: on that day no
            identity could tell, nor give the file a new one.
        settled: the files that got a new data key since. Not everyone's identities could tell that.
        environments: they left only these; empty if they left the repository.
    """

    name: str
    recipient: Recipient
    since: str
    unsettled: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()

    @property
    def left(self) -> str:
        """What they left and when, for messages."""
        return " ".join(("left", *filter(None, (" and ".join(self.environments),)), "on", self.since))

    @property
    def path(self) -> str:
        """The record's path in the repository."""
        return record_path(self.name)


def record_path(name: str) -> str:
    """The path of someone's record in the repository."""
    return f"{OFFBOARDING_FOLDER}/{re.sub(r'[^A-Za-z0-9._-]', '_', name).lstrip('.') or 'somebody'}.json"


def read_record(root: Path, path: str) -> tuple[Leaver, Mapping[str, Any]]:
    """Return who left, and the record's content as it is.

    Raises:
        FileAccessError: the file can't be read, or is not a record.
    """
    try:
        import json  # few repositories have records

        data = json.loads(read_file(root / path, limit=RECORD_LIMIT).data)
        _require_version(data["version"])
        leaver = Leaver(
            str(data["name"]),
            _recipient(data),
            str(data["removed"]),
            tuple(map(str, data.get("unsettled", ()))),
            tuple(map(str, data.get("settled", ()))),
            tuple(map(str, data.get("environments", ()))),
        )
    except FluxsecretsError as error:
        error.path = path
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        raise not_a_record(path) from None
    return leaver, data


def _recipient(data: Mapping[str, Any]) -> Recipient:
    kind, text = str(data["kind"]), str(data["recipient"])
    if kind != "kms":
        return Recipient(kind, text)
    found = kms_from_arn(text)
    role, context = attribute_of(found, "role"), data.get("context", {})
    return kms(found.id, role=str(role or ""), context={str(key): str(context[key]) for key in context})


def _require_version(version: object) -> None:
    if version != VERSION:
        raise ValueError(version)


def not_a_record(path: str) -> FileAccessError:
    """The error for a file that is not a record."""
    return FileAccessError(
        "is not a report on somebody who left, or another version of fluxsecrets wrote it",
        path=path,
        hint="put it back from git",
    )


def record_data(
    leaver: Leaver, values: Sequence[Mapping[str, str]], files: Sequence[Mapping[str, str]] = ()
) -> bytes:
    """Return the content of a record, with what was decided about values, and about files."""
    data = {
        "version": VERSION,
        "name": leaver.name,
        "kind": leaver.recipient.kind,
        "recipient": recipient_text(leaver.recipient),
        **({"context": context} if (context := context_of(leaver.recipient)) else {}),
        "removed": leaver.since,
        **({"environments": list(leaver.environments)} if leaver.environments else {}),
        **({"unsettled": list(leaver.unsettled)} if leaver.unsettled else {}),
        **({"settled": list(leaver.settled)} if leaver.settled else {}),
        "values": list(values),
        **({"files": list(files)} if files else {}),
    }
    import json

    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def read_leavers(root: Path) -> tuple[tuple[Leaver, ...], tuple[FluxsecretsError, ...]]:
    """Return everyone who left a repository, and the records that can't be read."""
    found: list[Leaver] = []
    errors: list[FluxsecretsError] = []
    folder = root / OFFBOARDING_FOLDER
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            found.append(read_record(root, f"{OFFBOARDING_FOLDER}/{path.name}")[0])
        except FluxsecretsError as error:
            errors.append(error)
    return tuple(found), tuple(errors)


def with_leavers(names: Mapping[str, str], leavers: Iterable[Leaver]) -> dict[str, str]:
    """Return the names of recipients with those of people who left; a present name is not given away."""
    taken = set(names.values())
    left = {each.recipient.id: each.name for each in leavers if each.name not in taken}
    return {**left, **names}


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An encrypted file, as open work needs to know it.

    Attributes:
        path: in the repository.
        shown: the path for people.
        groups: its recipients by key group.
        needed: how many groups open it together.
    """

    path: str
    shown: str
    groups: tuple[tuple[Recipient, ...], ...]
    needed: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A removal that is not finished; paths are as shown to people.

    Attributes:
        files: those that are still encrypted for the leaver.
        unsettled: those whose data key the leaver may know.
        who: all of these files, by those who can open them.
    """

    leaver: Leaver
    files: tuple[str, ...]
    unsettled: tuple[str, ...]
    who: Mapping[Openers, tuple[str, ...]] = field(default_factory=dict)


def still_gone(leavers: Iterable[Leaver], named: Collection[RecipientKey]) -> tuple[Leaver, ...]:
    """Return the people who left and did not come back: no rule and no public key in `keys/` names them.

    Those who left single environments may be named elsewhere.

    Args:
        leavers: from the records.
        named: the keys of everyone who is named.
    """
    return tuple(each for each in leavers if each.environments or recipient_key(each.recipient) not in named)


def unfinished(
    leavers: Sequence[Leaver],
    files: Sequence[OpenFile],
    names: Mapping[str, str],
    clusters: Collection[RecipientKey] = (),
) -> tuple[Unfinished, ...]:
    """Return what is left to do for people who left.

    Args:
        leavers: from `still_gone`.
        files: the encrypted files.
        names: recipient id -> name.
        clusters: the keys of clusters, which run no commands.
    """
    gone = {recipient_key(each.recipient) for each in leavers if not each.environments}
    found = []
    for leaver in leavers:
        key = recipient_key(leaver.recipient)
        own: list[str] = []
        unsettled: list[str] = []
        who: dict[Openers, list[str]] = {}
        for file in files:
            is_for = any(recipient_key(each) == key for group in file.groups for each in group)
            if is_for and leaver.environments:
                continue  # a rule may name them
            if not (is_for or file.path in leaver.unsettled):
                continue
            (own if is_for else unsettled).append(file.shown)
            can = openers(file.groups, file.needed, names, without=gone, clusters=clusters)
            who.setdefault(can, []).append(file.shown)
        if own or unsettled:
            by = {can: tuple(paths) for can, paths in who.items()}
            found.append(Unfinished(leaver, tuple(own), tuple(unsettled), by))
    return tuple(found)
