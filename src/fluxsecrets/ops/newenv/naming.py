"""The names of a new environment's files, and the words that change in them.

The word is the part of the root's path that names the environment, such as `production`. It is replaced
where it is a word of its own (`-`, `.`, `_` and `/` end a word), except in names of things that stay:
a path to a file that is not copied, or an object in such a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from fluxsecrets.errors import UsageError
from fluxsecrets.repo.environments import Environment
from fluxsecrets.repo.envnames import GENERIC_PARTS, telling_parts
from fluxsecrets.repo.tree import Tree, normalise, parent
from fluxsecrets.sops.formats.yaml.plain import may_be_plain

_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?")
_RUN = re.compile(r"[A-Za-z0-9_./@+~%-]+")


@dataclass(frozen=True, slots=True)
class Renamed:
    """A replaced word in a copied file that names nothing known in the repository.

    Attributes:
        line: 1-based.
        old, new: the text around the word, up to the next blank or sign.
    """

    path: str
    line: int
    old: str
    new: str


def check_name(name: str, known: Iterable[str]) -> None:
    """Refuse what cannot name a new environment.

    Raises:
        UsageError: it is taken, or not valid in paths and for Kubernetes.
    """
    if name in known:
        raise UsageError(f"the environment {name!a} already exists", hint="choose another name")
    if not _NAME.fullmatch(name) or not may_be_plain(name, flow=True) or name in GENERIC_PARTS:
        raise UsageError(
            f"{name!a} is not a valid name for an environment",
            hint="use lower-case letters, digits and dashes, beginning with a letter, such as staging",
        )


def word_pair(source: str, root: str, name: str) -> tuple[str, str]:
    """The word that names the environment in paths, and the new one.

    Raises:
        UsageError: nothing in the folder's path names it.
    """
    parts = telling_parts(root)
    if not parts:
        raise UsageError(
            f"no part of {root or 'the root'} names the environment {source}, so nothing can be renamed",
            hint="one repository for each cluster, or a folder for each under clusters/",
        )
    outer = next((parts[-n:-1] for n in range(2, len(parts) + 1) if "-".join(parts[-n:]) == source), None)
    # Of `eu-production` in clusters/eu/production the last part is the one that changes.
    prefix = "-".join(outer) + "-" if outer is not None else ""
    word = name.removeprefix(prefix)
    return parts[-1], word if may_be_plain(word, flow=True) else name


@dataclass(frozen=True)
class Naming:
    """How names change from one environment to the new one.

    Attributes:
        old, new: the word in paths.
        files: old path -> new path of all that is copied.
        fixed: names of objects that are written in files which are not copied.
    """

    tree: Tree
    old: str
    new: str
    source: str
    name: str
    files: Mapping[str, str]
    fixed: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()

    @cached_property
    def folders(self) -> frozenset[str]:
        """The folders of what is copied, and those above them."""
        found: set[str] = set()
        for path in self.files:
            here = parent(path)
            while here and here not in found:
                found.add(here)
                here = parent(here)
        return frozenset(found)

    def words(self, text: str) -> str:
        """A text with every word replaced."""
        pairs = {self.source: self.name, self.old: self.new}
        return _word_pattern(*pairs).sub(lambda match: pairs[match[0]], text)

    def text(self, text: str, path: str) -> tuple[str, tuple[Renamed, ...]]:
        """A copied file's text with the new names, and what should be looked over."""
        pattern = _word_pattern(self.source, self.old)
        if not pattern.search(text):
            return text, ()
        found: list[Renamed] = []
        pieces: list[str] = []
        for number, line in enumerate(text.splitlines(keepends=True), start=1):
            comment = _comment_start(line)
            position = 0
            for match in _RUN.finditer(line):
                if not pattern.search(match[0]):
                    continue
                new, sure = self.run(match[0], path)
                pieces += [line[position : match.start()], new]
                position = match.end()
                if new != match[0] and not sure and match.start() < comment:
                    found.append(Renamed(self.files.get(path, path), number, match[0], new))
            pieces.append(line[position:])
        return "".join(pieces), tuple(dict.fromkeys(found))

    def run(self, run: str, path: str) -> tuple[str, bool]:
        """One piece of text without blanks or signs, and whether it is known what it names."""
        core = run.rstrip(".")
        if core in self.fixed:
            return run, True
        places = self.places(core, path)
        if any(place in self.files or place in self.folders for place in places):
            return self.relative(run), True
        if any(place in self.tree.files or place in self.tree.folders for place in places):
            return run, True
        return self.words(run), core in self.known or core in (self.old, self.source)

    def places(self, run: str, path: str) -> list[str]:
        """The paths that a piece of text may be: relative to the file's folder, or to the root."""
        if not re.search(r"[/.]", run):
            return [place for place in (normalise(run, parent(path)),) if place in self.tree.folders]
        candidates = (normalise(run, parent(path)), normalise(run.lstrip("/"), ""))
        return [place for place in candidates if place]

    def relative(self, run: str) -> str:
        """A path as it is written, renamed as `new_path` renames the whole."""
        return new_path(run, self.old, self.new)


def _comment_start(line: str) -> int:
    match = re.search(r"(?:^|\s)#", line)
    return match.start() if match is not None else len(line)


def _word_pattern(*words: str) -> re.Pattern[str]:
    longest = sorted({re.escape(word) for word in words}, key=len, reverse=True)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(longest)})(?![A-Za-z0-9])")


def new_path(path: str, old: str, new: str) -> str:
    """A path for the new environment.

    Whole parts that are the word change, and words in the parts behind the first of these and in the file's
    name. A folder that only has the word in its name, such as `production-tools`, names something else.
    """
    parts = path.split("/")
    first = parts.index(old) if old in parts else len(parts) - 1
    word = _word_pattern(old)
    return "/".join(
        new if part == old else word.sub(new, part) if index >= first else part
        for index, part in enumerate(parts)
    )


def files_to_copy(
    tree: Tree, environment: Environment, others: Iterable[Environment], old: str, new: str
) -> dict[str, str]:
    """Old path -> new path of the files that only this environment uses, with its name in their path.

    Folders that are named after it are copied completely, including files that Flux does not read.
    """
    shared = frozenset().union(*(other.files for other in others))
    own = [path for path in environment.files if path not in shared]
    wanted = {path for path in own if new_path(path, old, new) != path}
    for path in tuple(wanted):
        parts = path.split("/")
        if old in parts[:-1]:
            wanted.update(tree.below("/".join(parts[: parts.index(old) + 1])))
    return {path: new_path(path, old, new) for path in sorted(wanted - shared)}
