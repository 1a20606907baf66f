"""Make masked trees, and run a command on them or write one to a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fluxsecrets.errors import FileAccessError, LimitError, UsageError
from fluxsecrets.files.newfolder import NewFolder, new_folder, refuse_filled, room_in
from fluxsecrets.files.private import make_private_folders, private_directory
from fluxsecrets.ops.exec.child import Command, child_environment, passing_signals
from fluxsecrets.ops.run.session import Session
from fluxsecrets.placeholders.key import PlaceholderKey
from fluxsecrets.repo.git import Repository, find_repository

from .building import write_tree
from .contents import Context
from .masks import Masks
from .model import Masked, MaskedTree, MaskOptions
from .plan import Plan, judged_together, plan
from .sources import Source, sources
from .stablekey import stable_key
from .surroundings import folder_for, with_paths, without_keys

MOST = 2
"""Revisions that one run can take."""

_BLOCK = 4096
"""Bytes: what a file takes is a multiple of this in most file systems."""

_FOLDERS = 3
"""A tree has at most this many times as many inodes as files."""

_MIB = 2**20

Tell = Callable[[Masked], None]


def run_masked(
    session: Session,
    revisions: Sequence[str],
    command: Command,
    options: MaskOptions,
    *,
    kept: Collection[str] = (),
    tell: Tell,
) -> int:
    """Run a command on masked trees, which are gone when this returns.

    Args:
        session: the run.
        revisions: one or two commits; none for the work tree.
        command: what to run; `{}` in it is the path of a tree.
        options: how they are masked.
        kept: names of variables that lead to secrets, and that the command gets all the same.
        tell: shows what was made, before the command starts.

    Returns:
        The command's exit code, see `Child.run`; 1 if that is 0 and a file could not be masked as it should.

    Raises:
        UsageError: the command has the wrong number of `{}`, or a revision is unknown.
        LimitError: the tree does not fit.
        FluxsecretsError: see `plan`; or the command can't be started, with a shell's exit code for that.
    """
    with_paths(command.arguments, [Path()] * max(1, len(revisions)))  # refused before anything is done
    masks = Masks(_key(session, options))
    with sources(session, revisions) as found:
        plans = judged_together([plan(each, options.environment) for each in found])
        with _private_folder(plans, with_values=options.show_values) as folder:
            roots = [folder / name for name in _names(len(plans))]
            trees = [
                _written(session, masks, options, each, NewFolder(_made(root)))
                for each, root in zip(plans, roots, strict=True)
            ]
            result = Masked(tuple(trees), options.show_values)
            tell(result)
            code = _run(session, command, roots, found[0], kept)
    return code or result.exit_code


def write_masked(session: Session, revisions: Sequence[str], output: Path, options: MaskOptions) -> Masked:
    """Write a masked tree to a new folder; it has its name only when it is complete.

    Args:
        session: the run.
        revisions: one commit; none for the work tree.
        output: a folder that does not exist or is empty, outside of the repository or ignored by git.
        options: how it is masked.

    Raises:
        UsageError: several revisions, or the folder would be part of the repository.
        FileAccessError: there is something in the folder.
        FluxsecretsError: see `plan`.
    """
    if len(revisions) >= MOST:
        raise UsageError("--output takes one tree", hint="run it once per revision, each with its own folder")
    output = session.cwd / output
    refuse_filled(output)
    _refuse_inside(session, output)
    masks = Masks(_key(session, options))
    with sources(session, revisions) as found:
        planned = plan(found[0], options.environment)
        _refuse_too_large([planned], output.parent)
        with new_folder(output, private=options.show_values) as folder:
            tree = _written(session, masks, options, planned, folder)
    return Masked((tree,), options.show_values, session.shown(output))


def _key(session: Session, options: MaskOptions) -> PlaceholderKey:
    return stable_key(session) if options.stable else PlaceholderKey.per_run()


def _names(count: int) -> tuple[str, ...]:
    return ("tree",) if count == 1 else ("before", "after")


def _made(root: Path) -> Path:
    root.mkdir(mode=0o700)
    return root


def _written(
    session: Session, masks: Masks, options: MaskOptions, planned: Plan, out: NewFolder
) -> MaskedTree:
    return write_tree(Context(session, masks, options, planned.patches, planned.source.name), planned, out)


def _run(
    session: Session, command: Command, roots: Sequence[Path], source: Source, kept: Collection[str]
) -> int:
    environ = without_keys(session.environ, kept)
    repository = source.tree.root if source.state is None else _root(session)
    folder = folder_for(command.arguments, roots, repository, session.cwd)
    if folder is not None:
        environ["PWD"] = str(folder)
    arguments = with_paths(command.arguments, roots, shell=command.shell)
    wanted = replace(command, arguments=arguments, folder=folder)
    with passing_signals(session.environ) as child:
        return child.run(wanted, child_environment(environ, {}))


def _root(session: Session) -> Path:
    repository = find_repository(session.cwd)
    return session.cwd if repository is None else repository.root


@contextmanager
def _private_folder(plans: Sequence[Plan], *, with_values: bool) -> Iterator[Path]:
    """A folder in memory. Masked trees that don't fit there go to the usual place for temporary files.

    Raises:
        LimitError: there is not enough room.
    """
    with private_directory() as folder:
        if room_in(folder).takes(*_needs(plans)):
            yield folder
            return
        if with_values:
            _refuse_too_large(plans, folder)
    with private_directory(in_memory=False) as folder:
        _refuse_too_large(plans, folder)
        yield folder


def _needs(plans: Sequence[Plan]) -> tuple[int, int]:
    """Bytes and files that trees take, both rounded up."""
    size = files = 0
    for each in plans:
        for found in each.sizes():
            size += (found // _BLOCK + 1) * _BLOCK
            files += 1
    return size, files * _FOLDERS


def _refuse_too_large(plans: Sequence[Plan], folder: Path) -> None:
    size, files = _needs(plans)
    room = room_in(folder)
    if not room.takes(size, files):
        free = "" if room.size is None else f", and {room.size // _MIB} MiB are free"
        raise LimitError(
            f"the tree needs up to {size // _MIB + 1} MiB for {files // _FOLDERS} files{free}",
            path=str(folder),
            hint="name an environment with --env, or make room there",
        )


def _refuse_inside(session: Session, output: Path) -> None:
    repository = find_repository(session.cwd)
    inside = os.path.relpath(os.path.realpath(output), os.path.realpath(_root(session))).replace(os.sep, "/")
    if inside.startswith(".."):
        return
    if inside == ".git" or inside.startswith(".git/"):
        raise FileAccessError(
            "this is where git keeps the repository", path=session.shown(output), hint="name another folder"
        )
    if repository is None or not _is_ignored(repository, output, inside):
        raise UsageError(
            f"{session.shown(output)!a} is inside the repository, and git does not ignore it",
            hint=f"name a folder outside of it, or add /{inside}/ to .gitignore",
        )


def _is_ignored(repository: Repository, output: Path, inside: str) -> bool:
    """Whether git would ignore a folder; git has to see it for that."""
    is_new = not output.exists()
    if is_new:
        make_private_folders(output)
    try:
        return repository.ignores_folder(inside)
    finally:
        if is_new:
            output.rmdir()
