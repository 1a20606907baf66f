"""The base of two sides that have several common ancestors.

git merges the ancestors first. Where they disagree, its base has conflict markers, and can't be read. Here
they are merged again, by value. A value on which they disagree becomes a random one in the base: both sides
differ from it, so the value is a conflict unless the sides agree.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from fluxsecrets.errors import FormatError
from fluxsecrets.files.reading import FileContent
from fluxsecrets.merging import MISSING, Labels, Side
from fluxsecrets.ops.files.values import NewValue
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.conflicts import Conflicted, merge_bases
from fluxsecrets.sops.conflict import has_markers
from fluxsecrets.sops.formats import make_format

from .comparing import compared
from .kinds import Kind, kind_of
from .model import TAKE_A_SIDE, Versions
from .setting import with_values
from .threeway import merge_encrypted

_TWO = 2


def made_base(
    session: Session, repository: Repository, conflicted: Conflicted, content: FileContent
) -> bytes:
    """Return a base for the sides of a merge, made of two common ancestors. It is never written.

    Args:
        session: the run.
        repository: with the file.
        conflicted: the file; its base has conflict markers.
        content: the file in the work tree.

    Raises:
        FormatError: there are not two ancestors, or they can't be merged by value.
        FluxsecretsError: one of them can't be decrypted, or has a wrong MAC.
    """
    found = merge_bases(repository, conflicted)
    limit = session.limits.size
    with repository.objects() as read:
        versions = [read(blob, limit) for blob in found.blobs]
        base = None if found.base is None else read(found.base, limit)
    if len(versions) != _TWO:
        raise _unusable()
    one, other = versions
    if one is None or other is None or any(has_markers(data) for data in (base or b"", one, other)):
        raise _unusable()
    given = [data for data in (base, one, other) if data is not None]
    kinds = {kind_of(data, conflicted.path, session.limits) for data in given}
    if len(kinds) != 1 or next(iter(kinds))[0] is not Kind.ENCRYPTED:
        raise _unusable()
    return _merged(session, repository, conflicted, content, Versions(base, one, other))


def _merged(
    session: Session,
    repository: Repository,
    conflicted: Conflicted,
    content: FileContent,
    versions: Versions,
) -> bytes:
    name = kind_of(versions.ours, conflicted.path, session.limits)[1]
    format_ = make_format(name)
    merged, _, _ = compared(session, Kind.ENCRYPTED, format_, versions)
    if merged.whole or any(not each.path or each.merged_part is None for each in merged.conflicts):
        raise _unusable()
    sides = {each.place: Side.THEIRS if each.ours is MISSING else Side.OURS for each in merged.conflicts}
    result = merge_encrypted(session, content.path, format_, versions, Labels("", "", ""), sides)
    if result.reason is not None or not result.clean:
        raise _unusable()
    target = Target(content.path, session.shown(content.path), name, True, repository, conflicted.path)
    values = [
        (each.merged_part or 0, each.path, NewValue(data=secrets.token_hex(16).encode()))
        for each in merged.conflicts
    ]
    return with_values(session, target, replace(content, data=result.data, digest=None), values)


def _unusable() -> FormatError:
    return FormatError(
        "the sides have several common ancestors, which can't be merged by value",
        hint=TAKE_A_SIDE,
    )
