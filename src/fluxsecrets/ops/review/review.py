"""Review a change: compare two states of a repository, and say what it does to secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fluxsecrets.errors import GitError, UsageError
from fluxsecrets.findings import Severity
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git import Repository, ended_here
from fluxsecrets.repo.git.bare import any_repository, is_bare_repository
from fluxsecrets.repo.ranges import range_of, uncommitted
from fluxsecrets.repo.snapshot import snapshots
from fluxsecrets.repo.states import changed_submodules, changes, state_of

from .access import access_changes
from .change import Change
from .kinds import KINDS
from .model import Review, ReviewItem
from .moves import with_moves
from .sides import settings_of, sides
from .unseen import unseen


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """What to review.

    Attributes:
        commits: a range, or one commit; None for what HEAD has beyond the branch that it is going to change.
        staged: what is staged is reviewed instead.
        uncommitted: the work tree is reviewed instead, compared with HEAD.
        with_keys: decrypt what the identities at hand can decrypt.
        fail_on: from which severity on an item makes the review fail; None if none does.
    """

    commits: str | None = None
    staged: bool = False
    uncommitted: bool = False
    with_keys: bool = True
    fail_on: Severity | None = Severity.HIGH


@ended_here()
def review(session: Session, request: ReviewRequest) -> Review:
    """Say what a change does to secrets.

    Raises:
        UsageError: a commit is unknown, or there is no range to assume.
        GitError: this is not a repository, its history is cut off, or git failed.
    """
    repository = _repository(session, request)
    if request.staged or request.uncommitted:
        compared = uncommitted(repository, staged=request.staged)
    else:
        compared = range_of(repository, request.commits, session.environ)
    before, after = (state_of(repository, name) for name in (compared.before, compared.after))
    differing = changes(before, after)
    paths = {path for each in differing for path in (each.path, each.old_path) if path is not None}
    with snapshots(repository, (before, after), session.limits) as trees:
        differing = with_moves((trees[0], trees[1]), differing)
        settings, _ = settings_of(trees[0])
        session.trusted_servers.take(trees[0], () if settings is None else settings.trusted_servers)
        old, new = sides(session, (trees[0], trees[1]), paths, with_keys=request.with_keys)
        change = Change(session, repository, compared, old, new, differing, request.with_keys)
        change.unseen.extend(
            f"the submodule {path}: its files are in another repository"
            for path in changed_submodules(before, after)
        )
        items = _in_order(item for kind in KINDS for item in kind.check(change))
        return Review(
            root=repository.root,
            range=compared.shown,
            base=compared.before,
            head=compared.after,
            items=items,
            access=access_changes(change),
            environments=change.environment_names,
            unseen=unseen(change),
            files=len(differing),
            fail_on=request.fail_on,
        )


def _repository(session: Session, request: ReviewRequest) -> Repository:
    """The repository; a bare one has commits only."""
    found = any_repository(session.cwd)
    if found is None:
        raise GitError("this is not a git repository, so there is no change to review", path=str(session.cwd))
    if sum((request.commits is not None, request.staged, request.uncommitted)) > 1:
        raise UsageError(
            "a range, --staged and --uncommitted exclude each other", hint="leave all but one of them out"
        )
    if (request.staged or request.uncommitted) and is_bare_repository(found):
        raise UsageError(
            "a bare repository has neither an index nor a work tree", hint="name a range of commits"
        )
    return found


def _in_order(items: Iterable[ReviewItem]) -> tuple[ReviewItem, ...]:
    """By environment, those outside last; the most severe first."""
    unique = {each.anchor: each for each in items}.values()
    return tuple(
        sorted(
            unique,
            key=lambda each: (
                not each.environments,
                each.environments,
                -each.severity,
                each.path,
                each.line or 0,
                each.kind,
            ),
        )
    )
