"""Fold proposals: move their values into the Secrets, and remove the patches.

What Flux applies stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fluxsecrets.errors import FluxsecretsError, UnprotectedError, UsageError
from fluxsecrets.ops.run.onefile import refuse_interrupted
from fluxsecrets.ops.run.results import FileResult, Outcome, Prepared
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.ops.run.workspace import Workspace
from fluxsecrets.ops.run.writer import Operation, place_of_tree, write_files
from fluxsecrets.repo.proposals import Waiting, find_waiting, is_narrowing, read_entries
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import Tree, open_tree, with_planned

from .entries import without_entries
from .merging import merge_proposals
from .model import Folded, FoldedSecret, FoldRequest
from .proof import Judged, changed_objects, judge_all, load_only, refuse_worse

COMMAND = "fold"
"""The name under which an interrupted run is completed or taken back."""


def fold(session: Session, request: FoldRequest) -> Folded:
    """Move the values of proposals into their Secrets, all or none.

    Args:
        session: the run; its identities open the Secrets and the proposals.
        request: which proposals.

    Returns:
        What became of each Secret. If one has an error, nothing was written.

    Raises:
        UsageError: there is no proposal where one is named, or an interrupted run must be ended first.
        UnprotectedError: Flux would apply something else afterwards.
        ConfigError, GitError: the repository can't be read.
        FileAccessError: a file can't be written; nothing was changed.
    """
    tree = open_tree(session.cwd, limits=session.limits)
    refuse_interrupted((tree.root / "-",))
    chosen = _chosen(session, tree, request.paths)
    return _Folder(session, request, tree).run(chosen)


def _chosen(session: Session, tree: Tree, paths: Sequence[str]) -> tuple[Waiting, ...]:
    found = find_waiting(tree)
    if not paths:
        return found
    root = tree.root.resolve()
    chosen: dict[Waiting, None] = {}
    for text in paths:
        path = (session.cwd / text).resolve()
        inside = path.relative_to(root).as_posix() if path.is_relative_to(root) else None
        here = [each for each in found if inside is not None and _is_at(each, inside)]
        if not here:
            raise UsageError(
                "no proposal waits there", path=text, hint="`fluxsecrets status` lists proposals"
            )
        chosen |= dict.fromkeys(here)
    return tuple(each for each in found if each in chosen)


def _is_at(each: Waiting, path: str) -> bool:
    start = "" if path == "." else f"{path}/"
    return any(
        name is not None and (name == path or name.startswith(start)) for name in (each.path, each.target)
    )


class _Folder:
    """One run."""

    def __init__(self, session: Session, request: FoldRequest, tree: Tree) -> None:
        self.session = session
        self.request = request
        self.tree = tree
        self.settings = load_settings(tree)
        self.workspace = Workspace(tree)
        self.replacing: set[str] = set()

    def run(self, chosen: Sequence[Waiting]) -> Folded:
        before = self.judged(each.path for each in chosen if each.why_left is None)
        reasons = [(each, self.why_left(each, before)) for each in chosen]
        left = tuple((self.shown(each.path), why) for each, why in reasons if why is not None)
        by_target: dict[str, list[Waiting]] = {}
        for each, why in reasons:
            if why is None and each.target is not None:
                by_target.setdefault(each.target, []).append(each)
        if not by_target:
            return Folded((), left, self.request.dry_run)
        done = [self.file(target, waiting, before) for target, waiting in by_target.items()]
        secrets = tuple(secret for found in done for secret in found)
        folded = Folded(secrets, left, self.request.dry_run)
        if folded.failed:
            return folded
        self.remove([each for waiting in by_target.values() for each in waiting])
        self.prove(before)
        if not self.request.dry_run:
            results = [Prepared(FileResult(each.path, Outcome.FOLDED, len(each.keys))) for each in secrets]
            write_files(
                self.session,
                results,
                Operation(COMMAND, place_of_tree(self.tree), self.workspace.changes()),
            )
        return folded

    def shown(self, path: str) -> str:
        """A path as the user would name it."""
        return self.session.shown(self.tree.root / path)

    def judged(self, patches: Iterable[str]) -> Judged:
        """What Flux makes of proposals now."""
        files = frozenset(patches)
        loaded = load_only(self.tree, self.settings, files) if files else ()
        return judge_all(self.session, loaded, self.settings)

    def why_left(self, each: Waiting, before: Judged) -> str | None:
        """Why a proposal can't be folded, or None. One that nothing applies must not change a Secret."""
        if each.why_left is None and not any(before.named(frozenset({each.path}))):
            return "Flux doesn't apply it"
        return each.why_left

    def file(self, path: str, waiting: Sequence[Waiting], before: Judged) -> tuple[FoldedSecret, ...]:
        """Prepare the new content of a Secret's file."""
        shown = self.shown(path)
        try:
            target = select(self.session, [str(self.tree.root / path)]).targets[0]._replace(shown=shown)
            merged = merge_proposals(
                self.session,
                self.tree,
                target,
                waiting,
                self.request,
                substituted=before.substitutes(path),
            )
        except FluxsecretsError as error:
            names = dict.fromkeys(str(each.secret) for each in waiting)
            error.path = self.shown(error.path) if error.path in self.tree.files else error.path
            return (FoldedSecret(shown, ", ".join(names), error=error.in_file(shown)),)
        self.workspace.write(path, merged.data, old=merged.old)
        for patch, data in merged.patches.items():
            self.workspace.remove(patch, old=data)
        if merged.newer:
            self.replacing.add(path)
        return tuple(
            FoldedSecret(shown, str(secret), keys, merged.warnings) for secret, keys in merged.keys.items()
        )

    def remove(self, folded: Sequence[Waiting]) -> None:
        """Remove the entries of proposals, and what no other proposal needs any more."""
        by_file: dict[str, list[Waiting]] = {}
        for each in folded:
            by_file.setdefault(each.file or "", []).append(each)
        waiting = find_waiting(self.tree)
        for file, mine in by_file.items():
            data = self.tree.read(file)
            gone = {each.entry.index for each in mine if each.entry is not None}
            others = {each.secret for each in waiting if each.file == file and each not in mine}
            done = [each.secret for each in mine if each.secret is not None and each.secret not in others]
            for entry in read_entries(data, file, self.tree.limits):
                if any(is_narrowing(entry.patch, secret) for secret in done):
                    gone.add(entry.index)
            self.workspace.write(file, without_entries(data, gone, self.tree.limits), old=data)

    def prove(self, before: Judged) -> None:
        """Make sure that Flux applies the same as before, but for values that --outdated replaces.

        Raises:
            UnprotectedError: it would not.
        """
        files = frozenset(self.workspace.paths)
        planned = with_planned(self.tree, self.workspace.planned, self.workspace.removed)
        names = frozenset(environment for environment, _ in before.verdicts)
        after = judge_all(self.session, load_only(planned, self.settings, files, names), self.settings)
        refuse_worse(before, after, files)
        changed = changed_objects(before, after, files, frozenset(self.replacing))
        if changed:
            raise UnprotectedError(
                "Flux would apply something else afterwards",
                details=changed,
                hint="nothing was written; fold all proposals for these together, or set the values with "
                "`fluxsecrets set PATH KEY`, and delete the proposals",
            )
