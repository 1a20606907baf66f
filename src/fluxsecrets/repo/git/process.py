"""Start git: one process without a shell, with bounded output, that runs no program of a configuration's.

Every call passes through `start`. It takes plumbing commands only, in the C locale, takes no lock
(`GIT_OPTIONAL_LOCKS=0`), so that it can run inside a hook and beside other git commands, and gives git an
environment of which every variable is listed here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from pathlib import Path

from fluxsecrets.errors import GitError, LimitError
from fluxsecrets.files.undisturbed import held
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.programs import absolute_folders, find_program
from fluxsecrets.shell import file_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

    from .running import Running

LISTING_LIMIT = 256 * 2**20
"""Bytes that a listing of paths may have."""

BLOB_LIMIT = 16 * 2**20
"""Bytes that one blob may have, unless a caller sets another limit."""

MEND_OBJECTS = "run `git fsck`; in a partial clone `git fetch --refetch --no-filter`"
"""The hint where an object is missing."""

# Commands whose output no configuration changes, with what has to be among their arguments so that they
# leave the work tree's files alone: comparing or converting those runs a filter that the configuration names.
_COMMANDS: Mapping[str, frozenset[str]] = {
    "cat-file": frozenset(),
    "diff-index": frozenset({"--cached"}),
    "check-attr": frozenset({"--stdin"}),
    # Without `--edit`, which starts an editor.
    "config": frozenset({"--null"}),
    "diff-tree": frozenset(),
    "for-each-ref": frozenset(),
    "hash-object": frozenset({"--no-filters", "--stdin"}),
    "ls-files": frozenset(),
    "ls-tree": frozenset(),
    "merge-base": frozenset(),
    "merge-file": frozenset({"--stdout"}),
    "rev-list": frozenset(),
    "rev-parse": frozenset(),
    "show-ref": frozenset(),
    "symbolic-ref": frozenset(),
    "update-index": frozenset({"--index-info"}),
    "version": frozenset(),
}
# What makes those commands run or convert something, or show something that a configuration decides.
_REFUSED = (
    "--alternate-refs", "--edit", "--ext-diff", "--filters", "--format", "--modified", "--path", "--patch",
    "--pretty", "--recurse-submodules", "--refresh", "--show-signature", "--submodule", "--textconv",
    "-e", "-m", "-p",
)  # fmt: skip

_OPTIONS = (
    "--no-pager",
    "--literal-pathspecs",
    "-c", "core.fsmonitor=",  # a program; empty is off for every version, `false` was a program once
    "-c", "safe.bareRepository=explicit",  # git 2.38; `place` looks for itself too
    "-c", "protocol.allow=never",
    "-c", "submodule.recurse=false",
)  # fmt: skip

# Hooks run where the index is written; rev-parse is asked where the hooks are, and runs none.
_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")

_SETTINGS = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    # A missing object of a partial clone would be fetched, which runs what the remote's configuration names.
    # The first is git 2.45; before that a fetch is started, and finds that no protocol is allowed: this
    # variable wins over all configuration. There is no protocol of that name.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    # What history says must not depend on what is laid over it in one clone.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
}

# All that git gets of the user's environment. Configuration that the environment carries is the user's own,
# and the way to set safe.directory in containers. Places such as GIT_DIR are not among it: `place` decides.
_PASSED = frozenset(
    {
        "GIT_CEILING_DIRECTORIES", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_SYSTEM", "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_TEST_ASSUME_DIFFERENT_OWNER",  # only makes git stricter
        "HOME", "LOGNAME", "SUDO_UID", "TEMP", "TMP", "TMPDIR", "USER", "XDG_CONFIG_HOME",
        "APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "SYSTEMDRIVE",
        "SYSTEMROOT", "USERNAME", "USERPROFILE", "WINDIR",
    }
)  # fmt: skip
_PASSED_PREFIXES = ("GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
_FOLDERS = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Lists of folders, of which the absolute ones are passed: git's working directory is the repository."""


class Result(NamedTuple):
    """How a process ended, and what it wrote."""

    code: int
    output: bytes
    errors: str


def find_git() -> str | None:
    """The absolute path of git, or None."""
    return find_program("git", os.environ)


@contextmanager
def start(
    arguments: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    *,
    feed: bool,
    source: IO[bytes] | None = None,
) -> Iterator[Running]:
    """Start git, and end it with the block.

    Args:
        arguments: a plumbing command and what follows it; paths are literal and stand behind `--`.
        folder: the working directory.
        variables: which repository it is tied to.
        feed: its standard input is a pipe; else it is empty.
        source: its standard input instead, such as what another git writes.

    Raises:
        GitError: git is missing, or cannot be started.
        ValueError: the command may run a program that a configuration names.
    """
    command = _command(arguments)
    environment = git_environment(os.environ) | dict(variables)
    others = _open.get()
    running: Running | None = None
    try:
        with held():  # nobody else knows of a process that has begun, and nobody would wait for its end
            running = _started(command, folder, environment, feed=feed, source=source)
        if others is not None:
            others[running] = None
        yield running
    finally:
        if running is not None:
            with held():
                running.close(kill=not feed)
            if others is not None:
                others.pop(running, None)


def _started(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    feed: bool,
    source: IO[bytes] | None,
) -> Running:
    from .running import start_process

    try:
        return start_process(command, folder, environment, feed=feed, source=source)
    except OSError as error:
        from fluxsecrets.files.reasons import reason_of  # only when something fails

        raise GitError(f"git could not be started: {reason_of(error).text}", path=str(folder)) from None


@contextmanager
def ended_here() -> Iterator[None]:
    """End with this block every git that was started in it, also where a generator still holds one.

    What reads from git is often a generator, which ends its git when it is closed. An exception in the loop
    over it keeps it, as long as the exception's traceback is kept: git, its pipes and its threads would be
    there until some later collection.
    """
    started: dict[Running, None] = {}
    token = _open.set(started)
    try:
        yield
    finally:
        _open.reset(token)
        for running in [*started]:
            with held():
                running.close(kill=True)


def run(
    arguments: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    *,
    limit: int = LISTING_LIMIT,
    stdin: bytes | None = None,
) -> Result:
    """Run git to its end; what goes in, and what comes out, may be more than a pipe holds.

    Raises:
        GitError: git is missing, or cannot be started.
        LimitError: it wrote more than the limit.
    """
    with start(arguments, folder, variables, feed=stdin is not None) as running:
        if stdin is not None:
            running.feed([stdin])
        return output_of(running, folder, limit)


def output_of(running: Running, folder: Path, limit: int) -> Result:
    """Wait for the end of a git that was started in a folder; raises as `run`."""
    process = running.process
    try:
        output = process.stdout.read(limit + 1)
    except BaseException:
        process.kill()
        raise
    if len(output) > limit:
        process.kill()
        raise LimitError(f"git wrote more than {limit} bytes", path=str(folder))
    ended = running.finish()
    return Result(ended.code, output, ended.errors)


def git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What git gets of an environment, and what it is always told."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() in _PASSED or name.upper().startswith(_PASSED_PREFIXES)
    }
    folders = {
        name: os.pathsep.join(absolute_folders(environ[name])) for name in _FOLDERS if environ.get(name)
    }
    return {**kept, **folders, **_SETTINGS}


_open: ContextVar[dict[Running, None] | None] = ContextVar("_open", default=None)

_NO_SUCH_COMMIT = ("invalid revision range", "bad revision", "unknown revision", "bad object")


class NotFetchedError(GitError):
    """A partial clone does not have an object; git ended, since it could not fetch it."""


def failure(command: str, result: Result, place: Path | None) -> GitError:
    """The error for a git that failed."""
    path = None if place is None else str(place)
    if "dubious ownership" in result.errors:
        return GitError(
            "git refuses to work here: the folder belongs to another user",
            hint=f"if you trust it: git config --global --add safe.directory {file_word(path or 'FOLDER')}",
            path=path,
        )
    if "must be run in a work tree" in result.errors or "cannot use bare repository" in result.errors:
        return GitError(
            "this is a bare repository, or the inside of a .git folder",
            hint="run this in a checked-out work tree",
            path=path,
        )
    if "promisor remote" in result.errors or "transport 'none' not allowed" in result.errors:
        return NotFetchedError(
            "this is a partial clone, and the requested objects were never fetched",
            hint="run `git fetch --refetch --no-filter`",
            path=path,
        )
    # What git says names objects, refs and paths, never content; control characters are shown escaped.
    lines = (line for line in result.errors.splitlines() if line.strip() and not line.startswith("hint:"))
    said = tuple(ascii(line)[1:-1] for line in islice(lines, 5))
    from fluxsecrets.files.reasons import reason_in  # only when something fails

    disk = reason_in(result.errors)
    if disk is not None:
        return GitError(f"git {command} failed: {disk.text}", hint=disk.hint, path=path, details=said)
    if any(words in line.lower() for line in said for words in _NO_SUCH_COMMIT):
        return GitError(
            "git does not have a requested commit",
            hint="check its spelling; in a shallow clone `git fetch --unshallow` brings what is missing "
            "(in CI: `fetch-depth: 0`)",
            path=path,
            details=said,
        )
    return GitError(
        f"git {command} failed with exit code {result.code}",
        hint="run `git status` here, and `git fsck` if that fails too",
        path=path,
        details=said,
    )


def _command(arguments: Sequence[str]) -> list[str]:
    name = arguments[0]
    required = _COMMANDS.get(name)
    rest = arguments[1 : arguments.index("--")] if "--" in arguments else arguments[1:]
    refused = [text for text in rest if text.partition("=")[0] in _REFUSED]
    if required is None or not required.issubset(rest) or refused:
        raise ValueError(f"git {name} with these arguments may run a program that a configuration names")
    found = find_git()
    if found is None:
        raise GitError("git is not installed, or not on PATH", hint="install git and try again")
    hooks = () if name == "rev-parse" else _NO_HOOKS
    return [found, *_OPTIONS, *hooks, *arguments]
