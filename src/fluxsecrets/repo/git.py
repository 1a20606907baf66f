"""The `git` executable: which files count, what changed since HEAD, what HEAD holds.

Every call is one process without a shell, with bounded output, in the C locale, and never takes a
lock (`GIT_OPTIONAL_LOCKS=0`), so that it can run inside a hook and beside other git commands.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from fluxsecrets.errors import GitError, LimitError

LISTING_LIMIT = 256 * 2**20
"""Bytes that a listing of paths may have."""

BLOB_LIMIT = 16 * 2**20
"""Bytes that one blob may have, unless told otherwise."""

_STDERR_LIMIT = 64 * 2**10
_AHEAD = 8 * 2**10  # bytes of names that are asked for before the first object is read; a pipe holds them

# What git exports to hooks and what ties a process to one repository (`git rev-parse
# --local-env-vars`), without GIT_CONFIG_*, through which people set safe.directory in containers.
_PLACE_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
)
_DROPPED_VARIABLES = (
    *_PLACE_VARIABLES,
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_PREFIX",
    "LANGUAGE",
)


class HeadBlobs(NamedTuple):
    """What HEAD holds for some paths.

    Attributes:
        contents: bytes by path; a path that HEAD does not have, or not as a file, is not in it.
        too_large: paths whose content at HEAD is over the limit.
    """

    contents: Mapping[str, bytes]
    too_large: frozenset[str]

    def __repr__(self) -> str:
        """Without the contents, which may be secrets."""
        return f"HeadBlobs({len(self.contents)} contents, too_large={self.too_large!r})"


class Repository(NamedTuple):
    """A git work tree.

    Attributes:
        root: absolute path of the work tree's top folder.
        git_dir: absolute path of its git directory (a worktree's and a submodule's own one).
        common_dir: absolute path of the directory that worktrees share: hooks and objects.
        environment: variables that the git processes get on top of the cleaned environment.
    """

    root: Path
    git_dir: Path
    common_dir: Path
    environment: tuple[tuple[str, str], ...] = ()

    def files(self, folders: Sequence[str] = ()) -> tuple[str, ...]:
        """Paths that git tracks, or would track: untracked and not ignored.

        Deleted files and submodules are left out; symbolic links are in, as the names they are.

        Args:
            folders: only what is below these, relative to the root with `/`; empty means all.

        Returns:
            Sorted paths relative to the root with `/`. Bytes that are no UTF-8 are surrogate escapes.
        """
        listing = self._git(
            "ls-files", "-z", "-t", "--stage", "--cached", "--others", "--deleted", "--exclude-standard",
            "--", *folders,
        )  # fmt: skip
        found: set[str] = set()
        deleted: set[str] = set()
        for record in _split(listing):
            tag, _, rest = record.partition(" ")
            if tag == "?":
                if not rest.endswith("/"):  # a repository inside the repository
                    found.add(rest)
                continue
            stage, _, path = rest.partition("\t")
            if tag == "R":
                deleted.add(path)
            elif tag != "S" and not stage.startswith("160000 "):  # S: sparse, not checked out
                found.add(path)
        return tuple(sorted(found - deleted))

    def changed_since_head(self) -> frozenset[str]:
        """Paths in the work tree that HEAD has not, or has with other content; untracked ones too."""
        if not self.has_head():
            return frozenset(self.files())
        changed = self._git(
            "diff", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv",
            "--ignore-submodules=all", "--diff-filter=d", "HEAD", "--",
        )  # fmt: skip
        untracked = self._git("ls-files", "-z", "--others", "--exclude-standard")
        paths = (*_split(changed), *_split(untracked))
        return frozenset(path for path in paths if not path.endswith("/"))

    def read_head_blobs(self, paths: Iterable[str], *, limit: int = BLOB_LIMIT) -> HeadBlobs:
        """The content of files at HEAD, all through one `git cat-file --batch`.

        Args:
            paths: relative to the root with `/`.
            limit: bytes; what is larger is named, but not read.

        Raises:
            GitError: an object is damaged or missing.
        """
        wanted = sorted(set(paths))
        if not wanted or not self.has_head():
            return HeadBlobs({}, frozenset())
        contents: dict[str, bytes] = {}
        too_large: set[str] = set()
        missing: set[str] = set()
        with _process(self._command("cat-file", "--batch"), self.root, self._env(), feed=True) as running:
            for path in wanted:
                if "\n" in path:  # no line protocol can name it
                    missing.add(path)
                    continue
                kind, blob = running.ask(f"HEAD:{path}", limit)
                if kind == "missing":
                    missing.add(path)
                elif kind == "blob" and blob is None:
                    too_large.add(path)
                elif kind == "blob" and blob is not None:
                    contents[path] = blob
        if missing:
            self._explain_missing(missing, contents)
        return HeadBlobs(contents, frozenset(too_large))

    def _explain_missing(self, missing: set[str], contents: dict[str, bytes]) -> None:
        """Read what the line protocol could not name; a file whose object is gone is an error."""
        for record in _split(self._git("ls-tree", "-r", "-z", "--full-tree", "HEAD")):
            entry, _, path = record.partition("\t")
            if path not in missing or " blob " not in entry:
                continue
            if "\n" not in path:
                raise GitError(
                    "git knows this file at HEAD, but its content is missing from the repository",
                    hint="run `git fsck`; in a partial clone `git fetch --refetch`",
                    path=path,
                )
            contents[path] = self._git("cat-file", "blob", entry.split(" ")[2], limit=BLOB_LIMIT)

    def has_head(self) -> bool:
        """Whether there is a commit.

        Raises:
            GitError: HEAD is broken.
        """
        command = self._command("rev-parse", "--quiet", "--verify", "HEAD^{commit}")
        if _run(command, self.root, self._env()).code == 0:
            return True
        unborn = _run(self._command("symbolic-ref", "--quiet", "HEAD"), self.root, self._env())
        branch = unborn.output.decode("utf-8", "replace").strip()
        if unborn.code == 0 and branch:
            known = _run(self._command("show-ref", "--quiet", "--verify", branch), self.root, self._env())
            if known.code != 0:
                return False
        raise GitError(
            "HEAD of this repository cannot be read",
            hint="run `git status` and `git fsck`",
            path=str(self.root),
        )

    def path_of(self, name: str) -> str:
        """Where git has a file or folder of its own, such as `hooks`, by configuration and worktree.

        Returns:
            The path, absolute or relative to the root.
        """
        return os.fsdecode(self._git("rev-parse", "--git-path", name)).removesuffix("\n")

    def run(self, *arguments: str, stdin: bytes | None = None, limit: int = LISTING_LIMIT) -> bytes:
        """What a git command writes to standard output.

        Args:
            arguments: the command and what follows it; paths are literal.
            stdin: what it reads before it writes anything; nothing unless given.
            limit: bytes that it may write.

        Raises:
            GitError: it failed.
            LimitError: it wrote more.
        """
        return self._git(*arguments, stdin=stdin, limit=limit)

    @contextmanager
    def objects(self) -> Iterator[Callable[[str, int], bytes | None]]:
        """One `git cat-file --batch` that reads blobs by their id.

        Yields:
            A function of id and limit. It gives the content, or None where that is larger.

        Raises:
            GitError: an object is damaged, missing or no blob.
        """
        with _process(self._command("cat-file", "--batch"), self.root, self._env(), feed=True) as running:

            def read(name: str, limit: int) -> bytes | None:
                kind, blob = running.ask(name, limit)
                if kind != "blob":
                    raise GitError(
                        f"the object {name[:12]!a} is {'missing' if kind == 'missing' else 'no file'}",
                        hint="run `git fsck`; in a partial clone `git fetch --refetch`",
                        path=str(self.root),
                    )
                return blob

            yield read

    def read_objects(
        self, names: Iterable[str], *, limit: int = BLOB_LIMIT
    ) -> Iterator[tuple[str, str, bytes | None]]:
        """Many objects through one `git cat-file --batch`, asked for ahead of time.

        Args:
            names: ids, or what else names an object, without line breaks.
            limit: bytes; the content of what is larger is not given.

        Yields:
            The name, its type (`missing` where there is none), and the content of a blob.

        Raises:
            GitError: an object is damaged.
        """
        batches = _batches(names)
        asked = next(batches, [])
        if not asked:
            return
        with _process(self._command("cat-file", "--batch"), self.root, self._env(), feed=True) as running:
            running.send(asked)
            while asked:
                ahead = next(batches, [])
                if ahead:
                    running.send(ahead)
                for name in asked:
                    yield (name, *running.receive(limit))
                asked = ahead

    @contextmanager
    def stream(self, *arguments: str) -> Iterator[IO[bytes]]:
        """What a git command writes, as it comes; for what is too large to be held.

        Raises:
            GitError: the command failed, which is known at the end only.
        """
        with _process(self._command(*arguments), self.root, self._env(), feed=False) as running:
            if running.process.stdout is None:
                raise GitError("git was started without pipes")
            yield running.process.stdout
            ended = running.finish()
            if ended.code != 0:
                raise _failure(arguments[0], ended, self.root)

    def _git(self, *arguments: str, stdin: bytes | None = None, limit: int = LISTING_LIMIT) -> bytes:
        result = _run(self._command(*arguments), self.root, self._env(), limit, stdin)
        if result.code != 0:
            raise _failure(arguments[0], result, self.root)
        return result.output

    def _command(self, *arguments: str) -> list[str]:
        # A file system monitor is a program that the repository's configuration names.
        return [_executable(), "-c", "core.fsmonitor=false", "--literal-pathspecs", *arguments]

    def _env(self) -> dict[str, str]:
        return {**_clean_environment(), **dict(self.environment)}


def find_repository(start: Path) -> Repository | None:
    """The repository that a file or folder belongs to.

    Variables such as GIT_DIR, which git sets for hooks, count only where they mean the same
    repository that the place is in, or where the place is in no repository without them.

    Args:
        start: a file or folder; it need not exist.

    Returns:
        The repository, or None where there is none.

    Raises:
        GitError: git is missing although there is a repository, it refuses to work in a folder that
            somebody else owns, or the repository is bare or damaged.
    """
    folder = _existing_folder(start)
    below = _is_below_git(folder)
    if not below and _find_git() is None:
        return None
    found = _ask_place(folder, {}) if below else None
    ambient = {name: os.environ[name] for name in _PLACE_VARIABLES if os.environ.get(name)}
    return _with_ambient(found, folder, ambient) if ambient else found


def _with_ambient(found: Repository | None, folder: Path, ambient: Mapping[str, str]) -> Repository | None:
    """Settle which repository the environment means, and whether it is the one that was found."""
    here = Path.cwd()
    carried = {name: _absolute(name, value, here) for name, value in ambient.items()}
    try:
        meant = _ask_place(here, carried)
    except GitError:
        if found is None:
            raise
        return found
    if meant is None or (found is not None and not _same(found.git_dir, meant.git_dir)):
        return found
    place = found or meant
    if found is None and not folder.resolve().is_relative_to(meant.root.resolve()):
        return None
    pinned = {**carried, "GIT_DIR": str(place.git_dir), "GIT_WORK_TREE": str(place.root)}
    return place._replace(environment=tuple(sorted(pinned.items())))


class _Result(NamedTuple):
    """How a process ended, and what it wrote."""

    code: int
    output: bytes
    errors: str


class _Running(NamedTuple):
    """A process whose standard error is drained beside, so that it cannot block."""

    process: subprocess.Popen[bytes]
    drain: threading.Thread
    errors: bytearray

    def finish(self) -> _Result:
        if self.process.stdin is not None:
            self.process.stdin.close()
        code = self.process.wait()
        self.drain.join()
        return _Result(code, b"", bytes(self.errors).decode("utf-8", "replace"))

    def ask(self, name: str, limit: int) -> tuple[str, bytes | None]:
        """One exchange with `git cat-file --batch`: the object's type and, within the limit, its bytes."""
        self.send([name])
        return self.receive(limit)

    def send(self, names: Sequence[str]) -> None:
        """Ask `git cat-file --batch` for objects; few enough for a pipe to hold their names."""
        if self.process.stdin is None:
            raise GitError("git cat-file was started without pipes")
        with suppress(OSError):  # it ended: reading tells why
            self.process.stdin.write(b"".join(os.fsencode(name) + b"\n" for name in names))
            self.process.stdin.flush()

    def receive(self, limit: int) -> tuple[str, bytes | None]:
        """The next object that was asked for."""
        source = self.process.stdout
        if source is None:
            raise GitError("git cat-file was started without pipes")
        header = source.readline(2**16)
        if not header.endswith(b"\n"):
            raise _failure("cat-file", self.finish(), None)
        words = header.rstrip(b"\n").rsplit(b" ", 2)
        if words[-1] == b"missing":
            return "missing", None
        if len(words) != 3 or not words[2].isdigit():
            return "other", None
        kind, size = words[1].decode("ascii", "replace"), int(words[2])
        blob = None
        if kind == "blob" and size <= limit:
            blob = source.read(size)
        else:
            _skip(source, size)
        if source.read(1) != b"\n":
            raise _failure("cat-file", self.finish(), None)
        return kind, blob


def _batches(names: Iterable[str]) -> Iterator[list[str]]:
    """Names in groups, two of which a pipe holds, or single ones that are longer."""
    batch: list[str] = []
    size = 0
    for name in names:
        length = len(os.fsencode(name)) + 1
        if batch and size + length > _AHEAD:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += length
    if batch:
        yield batch


def _skip(source: IO[bytes], size: int) -> None:
    while size > 0:
        size -= len(source.read(min(size, 2**20)) or b" " * size)


@contextmanager
def _process(command: Sequence[str], cwd: Path, env: Mapping[str, str], *, feed: bool) -> Iterator[_Running]:
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell; paths are literal and behind `--`
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise GitError(f"git could not be started: {error.strerror}", path=str(cwd)) from None
    errors = bytearray()
    drain = threading.Thread(target=_drain, args=(process.stderr, errors), daemon=True)
    drain.start()
    try:
        yield _Running(process, drain, errors)
    finally:
        if process.stdin is not None:
            try:
                process.stdin.close()
            except OSError:
                process.kill()
        if process.poll() is None and not feed:
            process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()
        drain.join()
        if process.stderr is not None:
            process.stderr.close()


def _drain(stream: IO[bytes] | None, into: bytearray) -> None:
    while stream is not None and (chunk := stream.read(4096)):
        into += chunk[: max(0, _STDERR_LIMIT - len(into))]


def _run(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    limit: int = LISTING_LIMIT,
    stdin: bytes | None = None,
) -> _Result:
    with _process(command, cwd, env, feed=stdin is not None) as running:
        if running.process.stdin is not None and stdin is not None:
            with suppress(OSError):  # it ended early: its exit code says why
                running.process.stdin.write(stdin)
                running.process.stdin.close()
        output = running.process.stdout.read(limit + 1) if running.process.stdout is not None else b""
        if len(output) > limit:
            raise LimitError(f"git wrote more than {limit} bytes", path=str(cwd))
        ended = running.finish()
    return _Result(ended.code, output, ended.errors)


def _split(listing: bytes) -> list[str]:
    """The records of `-z` output; bytes that are no UTF-8 become surrogate escapes."""
    return [os.fsdecode(record) for record in listing.split(b"\0") if record]


def _find_git() -> str | None:
    if os.name == "posix":  # without what else shutil can do, such as to unpack archives
        for folder in os.get_exec_path():
            path = os.path.join(folder, "git")  # noqa: PTH118
            if folder and os.access(path, os.X_OK) and not os.path.isdir(path):  # noqa: PTH112
                return path
        return None
    import shutil

    return shutil.which("git")


def _executable() -> str:
    found = _find_git()
    if found is None:
        raise GitError("git is not installed, or not on PATH", hint="install git and try again")
    return found


def _clean_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _DROPPED_VARIABLES}
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def _existing_folder(start: Path) -> Path:
    folder = start.absolute()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _is_below_git(folder: Path) -> bool:
    """Whether git has to be asked: it finds nothing where there is neither `.git` nor a bare repository."""
    real = folder.resolve()
    return any(
        os.path.lexists(parent / name) for parent in (real, *real.parents) for name in (".git", "HEAD")
    )


def _ask_place(folder: Path, env: Mapping[str, str]) -> Repository | None:
    command = [_executable(), "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir"]
    result = _run(command, folder, {**_clean_environment(), **env})
    if result.code != 0:
        if "not a git repository" in result.errors:
            return None
        raise _failure("rev-parse", result, folder)
    lines = os.fsdecode(result.output).split("\n")
    if len(lines) != 4:
        raise GitError("the repository's path holds a line break, which git cannot tell", path=str(folder))
    root, git_dir, common_dir = (Path(line) for line in lines[:3])
    return Repository(root, git_dir, (folder / common_dir).resolve())


def _absolute(name: str, value: str, here: Path) -> str:
    parts = value.split(os.pathsep) if name == "GIT_ALTERNATE_OBJECT_DIRECTORIES" else [value]
    return os.pathsep.join(str(here / part) for part in parts if part)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _failure(command: str, result: _Result, place: Path | None) -> GitError:
    path = None if place is None else str(place)
    if "dubious ownership" in result.errors:
        return GitError(
            "git refuses to work here: the folder belongs to another user",
            hint=f"if you trust it: git config --global --add safe.directory {path or 'FOLDER'}",
            path=path,
        )
    if "must be run in a work tree" in result.errors:
        return GitError(
            "this is a bare repository, or the inside of a .git folder",
            hint="run this in a checked-out work tree",
            path=path,
        )
    # What git says names objects, refs and paths, never content; control characters are shown escaped.
    said = tuple(ascii(line)[1:-1] for line in result.errors.splitlines()[:5] if line.strip())
    return GitError(
        f"git {command} failed with exit code {result.code}",
        hint="run `git status` here, and `git fsck` if that fails too",
        path=path,
        details=said,
    )
