"""The files of other environments that correspond to a file: the same path but for one folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

_MOST = 200
"""Counterparts of one file that are looked at."""


def counterparts(wanted: Iterable[str], paths: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the counterparts of some files.

    Such as `clusters/staging/db.yaml` of `clusters/production/db.yaml`.

    Args:
        wanted: paths of files.
        paths: of all files.
    """
    keys = cache(lambda path: tuple(_without_one(path)))
    asked = {key for path in wanted for key in keys(path)}
    alike: defaultdict[str, list[str]] = defaultdict(list)
    names = {path.rpartition("/")[2] for path in wanted}
    for path in paths:
        if path.rpartition("/")[2] in names:
            for key in keys(path):
                if key in asked:
                    alike[key].append(path)
    return {
        path: tuple(dict.fromkeys(each for key in keys(path) for each in alike[key] if each != path))[:_MOST]
        for path in wanted
    }


def _without_one(path: str) -> Iterator[str]:
    """The path with a gap in the place of each of its folders."""
    *folders, name = path.split("/")
    for number in range(len(folders)):
        yield "/".join((*folders[:number], "", *folders[number + 1 :], name))
