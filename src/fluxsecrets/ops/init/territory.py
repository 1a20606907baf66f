"""Which folders belong to which environments, and a `path_regex` for them.

A folder belongs to environments if all of its files that Flux applies are theirs. Nothing is claimed above
the folder that a cluster syncs, nor above a folder with an environment's name: what comes there later is
another environment's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from fluxsecrets.marks import folders_above
from fluxsecrets.repo.envnames import UNNAMED

Owners = frozenset[str]
"""Names of environments; empty stands for what none of them reaches."""

Segments = tuple[str | None, ...]
"""A path in parts; None stands for any name."""

_SPECIAL = re.compile(r"[.+*?^$()\[\]{}|\\]")


@dataclass(frozen=True, slots=True)
class Territories:
    """Files and whose they are.

    Attributes:
        owners: path -> the environments that reach the file.
        roots: the folders that clusters sync; `""` is the repository's own.
        names: the names of all environments.
    """

    owners: Mapping[str, Owners] = field(repr=False)
    roots: frozenset[str]
    names: frozenset[str]

    def folders(self) -> dict[Owners, tuple[str, ...]]:
        """Return the uppermost folders of each set of owners, sorted; `""` is the whole repository."""
        inside: dict[str, set[Owners]] = {}
        for path, owners in self.owners.items():
            if owners:
                for folder in folders_above(path):
                    inside.setdefault(folder, set()).add(owners)
        bounds = {above for root in self.roots if root for above in folders_above(root)}
        names = self.names - {UNNAMED}  # which no folder gave it: `apps/default` is that of a namespace
        bounds |= {folder.rpartition("/")[0] for folder in inside if folder.rpartition("/")[2] in names}
        bounds |= {above for bound in bounds if bound for above in folders_above(bound)}
        whole = {folder for folder, owners in inside.items() if len(owners) == 1 and folder not in bounds}
        found: dict[Owners, list[str]] = {}
        for folder in sorted(whole):
            if not any(above in whole for above in folders_above(folder) if folder):
                (owners,) = inside[folder]
                found.setdefault(owners, []).append(folder)
        return {owners: tuple(folders) for owners, folders in found.items()}

    def widened(self, paths: Iterable[str], owners: Owners) -> tuple[Segments, ...]:
        """Merge paths that differ in one folder: `apps/a/prod` and `apps/b/prod` are `apps/*/prod`.

        Neither the first part nor the last one becomes a wildcard, and no pattern takes a file of others.
        """
        found: list[Segments] = [tuple(path.split("/")) for path in sorted(set(paths))]
        others = [tuple(path.split("/")) for path, whose in self.owners.items() if whose != owners]
        for position in range(1, max(map(len, found), default=0) - 1):
            groups: dict[Segments, list[Segments]] = {}
            for each in found:
                if position < len(each) - 1:
                    groups.setdefault((*each[:position], None, *each[position + 1 :]), []).append(each)
            for merged, parts in groups.items():
                if len(parts) > 1 and not any(_covers(merged, other) for other in others):
                    found = [*(each for each in found if each not in parts), merged]
        return tuple(sorted(found, key=lambda each: [part or "" for part in each]))


def _covers(pattern: Segments, path: Sequence[str | None]) -> bool:
    return len(path) >= len(pattern) and all(
        part is None or part == own for part, own in zip(pattern, path, strict=False)
    )


def folder_regex(folders: Collection[Segments], ending: str = "") -> str:
    """Return a `path_regex` for what is in folders; `ending` is a regular expression for the rest.

    The whole repository is `("",)`.
    """
    if ("",) in folders:
        return ending.removeprefix(".*") or "^"
    return f"^{_either(map(_escaped, folders))}/{ending}"


def file_regex(files: Collection[Segments]) -> str:
    """Return a `path_regex` for files."""
    return f"^{_either(map(_escaped, files))}$"


def _escaped(pattern: Segments) -> str:
    return "/".join("[^/]+" if part is None else _SPECIAL.sub(r"\\\g<0>", part) for part in pattern)


def _either(patterns: Iterable[str]) -> str:
    texts = tuple(dict.fromkeys(patterns))
    return texts[0] if len(texts) == 1 else f"({'|'.join(texts)})"
