"""A repository: what it lists, and the objects that it holds."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import chain
from pathlib import Path

from fluxsecrets.errors import GitError
from fluxsecrets.namedtuples import NamedTuple

from .plain import is_unborn
from .process import (
    BLOB_LIMIT,
    LISTING_LIMIT,
    MEND_OBJECTS,
    Result,
    failure,
    output_of,
    run,
    start,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Protocol

    from .running import Running

    class ObjectReader(Protocol):
        """Reads many objects; as `Repository.read_objects`."""

        def __call__(
            self, names: Iterable[str], *, limit: int = ..., kinds: Sequence[str] = ...
        ) -> Iterator[tuple[str, str, bytes | None]]:
            """Read objects."""
            ...


_CHUNK = 2**18  # bytes that are read of a listing at a time

_LIST_FILES = (
    *("ls-files", "-z", "-t", "--stage", "--cached", "--others", "--deleted", "--exclude-standard"),
    "--",
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
        environment: more variables for git, such as the index of the commit that runs a hook.

    Every call is tied to this place, so that git never looks for a repository by itself.
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
            Sorted paths relative to the root with `/`. Bytes that are not UTF-8 are surrogate escapes.
        """
        return _present(self._git(*_LIST_FILES, *folders))

    @contextmanager
    def files_begun(self) -> Iterator[Callable[[], tuple[str, ...]]]:
        """Ask git for all files, while the caller does something else.

        Yields:
            A function that waits for git; it returns what `files` does, and raises as that.
        """
        with self.begun(*_LIST_FILES) as listing:
            yield lambda: _present(listing())

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
        with self._start("cat-file", "--batch", feed=True) as running:
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
        for record in split_records(self._git("ls-tree", "-r", "-z", "--full-tree", "HEAD")):
            entry, _, path = record.partition("\t")
            if path not in missing or " blob " not in entry:
                continue
            if "\n" not in path:
                raise GitError(
                    "git knows this file at HEAD, but its content is missing from the repository",
                    hint=MEND_OBJECTS,
                    path=path,
                )
            contents[path] = self._git("cat-file", "blob", entry.split(" ")[2], limit=BLOB_LIMIT)

    def has_head(self) -> bool:
        """Whether there is a commit.

        Raises:
            GitError: HEAD is broken.
        """
        if self._is_unborn():
            return False
        if self._run("rev-parse", "--quiet", "--verify", "HEAD^{commit}").code == 0:
            return True
        unborn = self._run("symbolic-ref", "--quiet", "HEAD")
        branch = unborn.output.decode("utf-8", "replace").strip()
        if unborn.code == 0 and branch and self._run("show-ref", "--quiet", "--verify", branch).code != 0:
            return False
        raise GitError(
            "HEAD of this repository cannot be read",
            hint="run `git status` and `git fsck`",
            path=str(self.root),
        )

    def _is_unborn(self) -> bool:
        """Whether HEAD's branch has no commit, if that can be said without git."""
        if not self.git_dir == self.common_dir == self.root / ".git":
            return False
        elsewhere = {name: text for name, text in self.environment if name != "GIT_INDEX_FILE"}
        return is_unborn(self.root, os.environ, elsewhere)

    def ignores_folder(self, path: str) -> bool:
        """Whether git ignores an untracked folder.

        `git check-ignore` takes no literal path.

        Args:
            path: relative to the root with `/`; it must exist, and may be empty.
        """
        found = self._git(
            "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", "--", path
        )
        return any(f"{path}/".startswith(each) for each in split_records(found) if each.endswith("/"))

    def cut_off_at(self) -> frozenset[str]:
        """The commits whose parents this clone does not have, since it was made with a depth.

        Raises:
            GitError: git's list of them cannot be read.
        """
        path = self.common_dir / "shallow"  # gitrepository-layout(5)
        try:
            return frozenset(path.read_text(encoding="ascii").split())
        except FileNotFoundError:
            return frozenset()
        except (OSError, ValueError):
            raise GitError(
                "where this clone's history is cut off cannot be read",
                hint="run `git fsck`",
                path=str(path),
            ) from None

    def path_of(self, name: str) -> str:
        """Where git keeps a file or folder such as `hooks`, by configuration and worktree.

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
    def begun(self, *arguments: str, stdin: bytes | None = None) -> Iterator[Callable[[], bytes]]:
        """Start a git command that works while the caller does something else.

        Args:
            arguments: the command and what follows it; paths are literal.
            stdin: what it reads; nothing unless given.

        Yields:
            A function that waits for its end, and returns what it wrote; it raises as `run`.
        """
        with self._start(*arguments, feed=stdin is not None) as running:
            if stdin is not None:
                running.feed([stdin])
            yield lambda: self._written(arguments[0], output_of(running, self.root, LISTING_LIMIT))

    @contextmanager
    def piped(
        self, one: Sequence[str], other: Sequence[str]
    ) -> Iterator[tuple[IO[bytes], Callable[[], bool]]]:
        """Start two git commands, of which one reads what the other writes, beside what the caller does.

        Args:
            one: the first command and what follows it.
            other: the second.

        Yields:
            What the second writes, and a function that waits for both and says whether neither failed. It is
            called when all was read.
        """
        with self._start(*one) as first, self._start(*other, source=first.process.stdout) as second:
            yield second.process.stdout, lambda: second.finish().code == 0 == first.finish().code

    @contextmanager
    def asked(self) -> Iterator[Callable[[str, int, Sequence[str]], tuple[str, bytes | None]]]:
        """One `git cat-file --batch` that is asked for one object after the other.

        Yields:
            A function of id, limit and types. It gives the object's type (`missing` if it does not exist),
            and the content of one of these types that is within the limit.

        Raises:
            GitError: an object is damaged, which ends it.
        """
        with self._start("cat-file", "--batch", feed=True) as running:
            yield running.ask

    @contextmanager
    def objects(self) -> Iterator[Callable[[str, int], bytes | None]]:
        """One `git cat-file --batch` that reads blobs by their id.

        Yields:
            A function of id and limit. It gives the content, or None where that is larger.

        Raises:
            GitError: an object is damaged, missing or no blob.
        """
        with self._start("cat-file", "--batch", feed=True) as running:

            def read(name: str, limit: int) -> bytes | None:
                kind, blob = running.ask(name, limit)
                if kind != "blob":
                    raise GitError(
                        f"the object {name[:12]!a} is {'missing' if kind == 'missing' else 'not a file'}",
                        hint=MEND_OBJECTS,
                        path=str(self.root),
                    )
                return blob

            yield read

    @contextmanager
    def reader(self) -> Iterator[ObjectReader]:
        """One `git cat-file --batch` that starts before it is known what to read.

        Yields:
            A function as `read_objects`, to be called once.
        """
        with self._start("cat-file", "--batch", feed=True) as running:
            yield partial(_read, running)

    def read_objects(
        self, names: Iterable[str], *, limit: int = BLOB_LIMIT, kinds: Sequence[str] = ("blob",)
    ) -> Iterator[tuple[str, str, bytes | None]]:
        """Many objects through one `git cat-file --batch`, asked for ahead of time.

        Args:
            names: ids, or what else names an object, without line breaks. They are taken in another thread.
            limit: bytes; the content of what is larger is not given.
            kinds: the types whose content is given.

        Yields:
            The name, its type (`missing` if it does not exist), and the content.

        Raises:
            GitError: an object is damaged.
        """
        waiting = iter(names)
        first = next(waiting, None)
        if first is None:
            return
        with self._start("cat-file", "--batch", feed=True) as running:
            yield from _read(running, chain((first,), waiting), limit=limit, kinds=kinds)

    @contextmanager
    def stream(self, *arguments: str, feed: Iterable[bytes] | None = None) -> Iterator[IO[bytes]]:
        """What a git command writes, as it comes; for what is too large to be held.

        Args:
            arguments: the command and what follows it; paths are literal.
            feed: what it reads meanwhile, made in another thread; nothing unless given.

        Raises:
            GitError: the command failed, which is known at the end only.
        """
        with self._start(*arguments, feed=feed is not None) as running:
            if feed is not None:
                running.feed(feed)
            yield running.process.stdout
            ended = running.finish()
            if ended.code != 0:
                raise failure(arguments[0], ended, self.root)

    def _git(self, *arguments: str, stdin: bytes | None = None, limit: int = LISTING_LIMIT) -> bytes:
        return self._written(arguments[0], self._run(*arguments, stdin=stdin, limit=limit))

    def _written(self, command: str, result: Result) -> bytes:
        if result.code != 0:
            raise failure(command, result, self.root)
        return result.output

    def _run(self, *arguments: str, stdin: bytes | None = None, limit: int = LISTING_LIMIT) -> Result:
        return run(arguments, self.root, self._variables(), limit=limit, stdin=stdin)

    def _start(
        self, *arguments: str, feed: bool = False, source: IO[bytes] | None = None
    ) -> AbstractContextManager[Running]:
        return start(arguments, self.root, self._variables(), feed=feed, source=source)

    def _variables(self) -> dict[str, str]:
        return {"GIT_DIR": str(self.git_dir), "GIT_WORK_TREE": str(self.root), **dict(self.environment)}


def _read(
    running: Running, names: Iterable[str], *, limit: int = BLOB_LIMIT, kinds: Sequence[str] = ("blob",)
) -> Iterator[tuple[str, str, bytes | None]]:
    asked: deque[str] = deque()

    def lines() -> Iterator[bytes]:
        for name in names:
            asked.append(name)
            yield os.fsencode(name) + b"\n"

    running.feed(lines())
    while running.more():
        kind, data = running.receive(limit, kinds)
        yield asked.popleft(), kind, data


def read_records(stream: IO[bytes]) -> Iterator[bytes]:
    """The records of `-z` output as they come."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        *records, rest = (rest + chunk).split(b"\0")
        yield from records
    if rest:
        yield rest


def _present(listing: bytes) -> tuple[str, ...]:
    """The files in what `_LIST_FILES` writes."""
    found: set[str] = set()
    deleted: set[str] = set()
    for record in split_records(listing):
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


def split_records(listing: bytes) -> list[str]:
    """The records of `-z` output; bytes that are not UTF-8 become surrogate escapes."""
    return [os.fsdecode(record) for record in listing.split(b"\0") if record]
