"""Files of commits that could not be judged: an error where a branch has them still, a remark where none has.

Nobody can fix a commit. A scan that failed for ever because of a slip years ago would soon be switched off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings.allow import Remark
from fluxsecrets.repo.git import Repository
from fluxsecrets.scan.sources.commits import Plan

from .branchtips import at_tips

UNREADABLE: Final = "unreadable"


class Fault(NamedTuple):
    """Why a file of a commit could not be judged."""

    commit: str
    path: str
    error: FluxsecretsError


def sorted_out(
    repository: Repository, plan: Plan, faults: Sequence[Fault], ends: Sequence[str] = ()
) -> tuple[tuple[FluxsecretsError, ...], tuple[Remark, ...]]:
    """Part faults into errors and remarks, one for each path.

    Args:
        repository: with the commits.
        plan: where the files are.
        faults: in the order of the commits.
        ends: commits that count as tips beside the branches.
    """
    if not faults:
        return (), ()
    blobs = plan.blobs({(each.commit, each.path) for each in faults})
    tips = at_tips(repository, {(path, blob) for (_, path), blob in blobs.items()}, ends)
    errors: dict[tuple[str, str], FluxsecretsError] = {}
    old: dict[str, list[Fault]] = {}
    for fault in faults:
        if (fault.path, blobs[fault.commit, fault.path]) in tips:
            errors.setdefault((fault.path, fault.error.message), fault.error)
        else:
            old.setdefault(fault.path, []).append(fault)
    return tuple(errors.values()), tuple(_remark(each) for each in old.values())


def _remark(faults: Sequence[Fault]) -> Remark:
    first = faults[0]
    more = len({each.commit for each in faults}) - 1
    also = f" and {more} more" if more else ""
    message = f"{first.error.message} (in commit {first.commit[:10]}{also}; no branch has this version now)"
    return Remark(first.path, first.error.line or 1, UNREADABLE, message, first.commit)
