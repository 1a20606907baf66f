"""Whether git uses the drivers for all files with ciphertexts, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import folders_above
from fluxsecrets.records import dataclass
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.attributes import Attributes, attributes_begun
from fluxsecrets.repo.ignorepatterns import Patterns, read_pattern

from .attributereading import NAME, attribute_content, attribute_file, text_of
from .attributes import DRIVER, has_block

_WANTED = {"merge": DRIVER, "diff": DRIVER}
_CONVERTED = {"eol": "crlf"}
_UNSET = "unspecified"
_LONGEST_LINE = 2048  # git ignores longer ones
_MOST = 200
_MACROS = {"binary": ("-diff", "-merge", "-text")}


@dataclass(frozen=True, slots=True)
class Override:
    """Files for which other attributes count than ours.

    Attributes:
        attribute: such as `merge`.
        value: the value that counts, or `unset`, `set`, `unspecified`.
        paths: the files, relative to the root.
        place: `file:line` of what sets it, or "" if that is unknown.
    """

    attribute: str
    value: str
    paths: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether git uses the drivers for all files with ciphertexts.

    Attributes:
        uncovered: files for which no line sets the attributes.
        overrides: files for which another line sets other ones.
        converted: files whose line ends git turns into CR LF.
        total: how many files have ciphertexts.
    """

    path: Path
    installed: bool
    total: int
    uncovered: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    converted: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether git uses the drivers for all of them."""
        return not (self.uncovered or self.overrides or self.converted)


def is_installed(repository: Repository) -> bool:
    """Return whether our lines are in the file with attributes.

    Raises:
        FileAccessError: it can't be read.
    """
    found = attribute_content(attribute_file(repository))
    return found is not None and has_block(text_of(found))


def coverage(repository: Repository, ciphertexts: Sequence[str]) -> Coverage:
    """Return whether git uses the drivers for files, by the attributes that git itself reports.

    Raises:
        GitError: git failed.
        FileAccessError: the file with our attributes can't be read.
    """
    with coverage_begun(repository, ciphertexts) as answer:
        return answer()


@contextmanager
def coverage_begun(repository: Repository, ciphertexts: Sequence[str]) -> Iterator[Callable[[], Coverage]]:
    """Ask git the same, while the caller does something else.

    Yields:
        A function that waits for git; see `coverage` for what is raised.
    """
    with attributes_begun(repository, ciphertexts, (*_WANTED, *_CONVERTED)) as attributes:
        yield lambda: _coverage(repository, ciphertexts, attributes())


def _coverage(repository: Repository, ciphertexts: Sequence[str], attributes: Attributes) -> Coverage:
    path, installed = attribute_file(repository), is_installed(repository)
    places = _Places(repository)
    uncovered: list[str] = []
    others: dict[tuple[str, str], list[str]] = {}
    for each in ciphertexts:
        values = attributes[each]
        wrong = {name: values[name] for name, value in _WANTED.items() if values[name] != value}
        # Of what nobody sets, nobody took it back either, as a rule.
        unset = [
            name for name, value in wrong.items() if value == _UNSET and not places.of(each, name, value)
        ]
        if unset:
            uncovered.append(each)
        for name, value in wrong.items():
            if name not in unset:
                others.setdefault((name, value), []).append(each)
    overrides = tuple(
        Override(name, value, tuple(paths), places.of(paths[0], name, value))
        for (name, value), paths in others.items()
    )
    converted = tuple(
        each
        for each in ciphertexts
        if any(attributes[each][name] == value for name, value in _CONVERTED.items())
    )
    return Coverage(path, installed, len(ciphertexts), tuple(uncovered), overrides, converted)


class _Places:
    """Finds the line that gives a file an attribute, in the order in which git looks."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._lines: dict[Path, Mapping[str, list[tuple[int, str]]]] = {}

    def of(self, path: str, name: str, value: str) -> str:
        """Return `file:line`, or "" if it is not in the repository's own files."""
        wanted = {"set": name, "unset": f"-{name}", _UNSET: f"!{name}"}.get(value, f"{name}={value}")
        for file, folder in self._files(path):
            for number, pattern in reversed(self._read(file).get(wanted, ())):
                if covers(pattern, folder, path):
                    return f"{_relative(file, self._repository.root)}:{number}"
        return ""

    def _files(self, path: str) -> Iterator[tuple[Path, str]]:
        yield self._repository.common_dir / "info" / "attributes", ""
        for folder in folders_above(path):
            yield self._repository.root / folder / NAME, folder

    def _read(self, file: Path) -> Mapping[str, list[tuple[int, str]]]:
        """The lines that set an attribute: number and pattern, by the attribute as it is written."""
        if file not in self._lines:
            self._lines[file] = {}
            with suppress(FluxsecretsError):
                if (found := attribute_content(file)) is not None:
                    self._lines[file] = attribute_lines(text_of(found))
        return self._lines[file]


def attribute_lines(text: str) -> Mapping[str, list[tuple[int, str]]]:
    """Return the lines of a file with attributes: number and pattern, by attribute; macros are resolved."""
    macros = dict[str, Sequence[str]](_MACROS)
    lines: dict[str, list[tuple[int, str]]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(("#", '"')) or len(line) > _LONGEST_LINE:
            continue
        pattern, *given = line.split()
        every = dict.fromkeys(one for each in given for one in (*macros.get(each, ()), each))
        attributes = tuple(every)[:_MOST]  # macros of macros grow fast, and the file is not trusted
        if pattern.startswith("[attr]"):
            macros[pattern.removeprefix("[attr]")] = attributes
            continue
        for each in attributes:
            lines.setdefault(each, []).append((number, pattern))
    return lines


@lru_cache(maxsize=1024)
def _patterns(pattern: str, folder: str) -> Patterns | None:
    try:
        return Patterns([read_pattern(pattern, folder)])
    except FluxsecretsError:
        return None


def covers(pattern: str, folder: str, path: str) -> bool:
    """Return whether a pattern of a folder's file with attributes matches a path."""
    patterns = _patterns(pattern, folder)
    return patterns is not None and patterns.match(path, folder=False)


def _relative(file: Path, root: Path) -> str:
    with suppress(ValueError):
        return file.relative_to(root).as_posix()
    return str(file)
