"""The patterns of a `.sourceignore`, matched as source-controller matches them.

Follows fluxcd/pkg's sourceignore/gitignore/pattern.go and Go's filepath.Match, even where git differs:

- A pattern that matches a folder matches all that is in it, and a pattern may bring back what is in there.
- `[!a]` is one of `!` and `a`; only `[^a]` negates.
- `**` in a component with other characters matches nothing; in a pattern without `/` it is a `*`.
- After `**/`, the first component that matches counts; what follows is not tried at a later one.
- A pattern that is not valid matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fluxsecrets.errors import ConfigError
from fluxsecrets.records import dataclass

from .globs import Glob, whole

_ANY_FOLDER = "**"
_MAX_LENGTH = 4096
_AT_ONCE = 100
"""Patterns in one regular expression, so that it stays below RE2's limit."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern.

    Attributes:
        folder: of the `.sourceignore`; the pattern counts below it only. `""` for the root.
        steps: regular expression of each component that has to match, with whether it may be at any depth
            below the component before it. Empty for a pattern that matches nothing.
        brings_back: it starts with `!`.
        folders_only: it ends with `/`.
    """

    folder: str
    steps: tuple[tuple[bool, str], ...]
    brings_back: bool
    folders_only: bool

    @property
    def is_regular(self) -> bool:
        """Whether a regular expression says the same: no component has to follow one at any depth."""
        return not any(
            first and not second for (first, _), (second, _) in zip(self.steps, self.steps[1:], strict=False)
        )

    def regex(self, *, folder: bool) -> str:
        """The expression for paths of folders, or for paths of files."""
        start = f"{re.escape(self.folder)}/" if self.folder else ""
        body = "/".join(f"(?:.*/)?{step}" if anywhere else step for anywhere, step in self.steps)
        below = "/.*" if self.folders_only and not folder else "(?:/.*)?"
        return f"(?:{start}{body}{below})"


def read_pattern(text: str, folder: str) -> Pattern:
    """A line of a `.sourceignore` in a folder.

    Raises:
        ConfigError: it is too long.
    """
    if len(text) > _MAX_LENGTH:
        raise ConfigError(f"the pattern {text[:60]!a}… has more than {_MAX_LENGTH} characters")
    rest = text.removeprefix("!")
    if not rest.endswith("\\ "):
        rest = rest.rstrip(" ")
    components = rest.removesuffix("/").split("/")
    steps = _steps(components) if len(components) > 1 else ((True, _component(rest.removesuffix("/"))),)
    known = tuple((anywhere, step) for anywhere, step in steps if step is not None)
    return Pattern(
        folder, known if len(known) == len(steps) else (), text.startswith("!"), rest.endswith("/")
    )


class Patterns:
    """Patterns of which any may match."""

    __slots__ = ("_files", "_folders", "_others", "_regular")

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        """Take patterns that are all of one kind: they leave out, or bring back."""
        useful = [each for each in patterns if each.steps]
        self._regular = [each for each in useful if each.is_regular]
        self._others = [_Walk(each) for each in useful if not each.is_regular]
        self._files: list[Glob] | None = None
        self._folders: list[Glob] | None = None

    def match(self, path: str, *, folder: bool) -> bool:
        """Whether one of them matches the path of a file, or of a folder."""
        if any(glob.matches(path) for glob in self._globs(folder=folder)):
            return True
        return any(walk.match(path, folder=folder) for walk in self._others)

    def _globs(self, *, folder: bool) -> list[Glob]:
        if folder:
            if self._folders is None:
                self._folders = list(_compiled(self._regular, folder=True))
            return self._folders
        if self._files is None:
            self._files = list(_compiled(self._regular, folder=False))
        return self._files


class _Walk:
    """A pattern in which a component follows one at any depth."""

    __slots__ = ("_pattern", "_steps")

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._steps = [(anywhere, whole(step, "a component")) for anywhere, step in pattern.steps]

    def match(self, path: str, *, folder: bool) -> bool:
        above = self._pattern.folder
        if above:
            if not path.startswith(f"{above}/"):
                return False
            path = path[len(above) + 1 :]
        names = iter(path.split("/"))
        for anywhere, glob in self._steps:
            found = any(map(glob.matches, names)) if anywhere else _next_matches(glob, names)
            if not found:
                return False
        return folder or not self._pattern.folders_only or next(names, None) is not None


def _next_matches(glob: Glob, names: Iterator[str]) -> bool:
    name = next(names, None)
    return name is not None and glob.matches(name)


def _compiled(patterns: list[Pattern], *, folder: bool) -> Iterator[Glob]:
    for start in range(0, len(patterns), _AT_ONCE):
        part = patterns[start : start + _AT_ONCE]
        yield whole("|".join(each.regex(folder=folder) for each in part), "patterns")


def _steps(components: list[str]) -> tuple[tuple[bool, str | None], ...]:
    found: list[tuple[bool, str | None]] = []
    anywhere = False
    for number, text in enumerate(components, start=1):
        if text == _ANY_FOLDER:
            anywhere = number < len(components)
        elif not text:
            anywhere = False
        else:
            found.append((anywhere, None if _ANY_FOLDER in text else _component(text)))
            anywhere = False
    return tuple(found)


def _component(text: str) -> str | None:
    """A component as a regular expression, or None if it is not valid."""
    pieces = []
    while text:
        match = re.match(_TOKEN, text)
        if match is None:
            return None
        pieces.append(_piece(match))
        text = text[match.end() :]
    return "".join(pieces)


_CHARACTER = r"(?:\\.|[^\\\]\-])"
_TOKEN = (
    rf"(?s:(?P<any>\*+)|(?P<one>\?)|\[(?:(?P<not>\^)|(?!\^))(?P<set>(?:{_CHARACTER}(?:-{_CHARACTER})?)+)\]"
    r"|\\(?P<escaped>.)|(?P<plain>[^\\\[*?]))"
)
_RANGE = rf"(?s)({_CHARACTER})(?:-({_CHARACTER}))?"


def _piece(match: re.Match[str]) -> str:
    if match["any"]:
        return "[^/]*"
    if match["one"]:
        return "[^/]"
    if match["set"] is None:
        return re.escape(match["escaped"] or match["plain"])
    ranges = [(ord(low[-1]), ord((high or low)[-1])) for low, high in re.findall(_RANGE, match["set"])]
    if match["not"]:
        return f"[^/{_class(ranges)}]"
    # A component holds no slash, so that none may match one in the path.
    around = [part for low, high in ranges for part in ((low, min(high, 0x2E)), (max(low, 0x30), high))]
    return f"[{_class(around)}]" if any(low <= high for low, high in around) else r"[^\x{0}-\x{10FFFF}]"


def _class(ranges: list[tuple[int, int]]) -> str:
    """Ranges in a class; those from a higher to a lower character hold nothing."""
    return "".join(rf"\x{{{low:x}}}-\x{{{high:x}}}" for low, high in ranges if low <= high)
