"""What findings are weighed by: the settings and the baseline of one state of the repository.

A check is only worth what it goes by. What is committed is judged by what is committed with it, never by a
file that merely lies in the work tree: nobody would see that one, and the next clone would not have it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.errors import GitError, LimitError
from fluxsecrets.marks import BASELINE_NAME, RULES_NAME, SETTINGS_NAME
from fluxsecrets.repo.git import BLOB_LIMIT, Repository

if TYPE_CHECKING:
    from fluxsecrets.findings.baseline import BaselineEntry
    from fluxsecrets.repo.settings import Settings

INDEX = ""
"""What stands before the colon of what is staged, where others have a revision."""

_FILES = (SETTINGS_NAME, BASELINE_NAME)


class Trust(NamedTuple):
    """The settings and the baseline of one state.

    Attributes:
        settings_text, baseline_text: their contents, or None if that state has no such file.
    """

    settings_text: bytes | None = None
    baseline_text: bytes | None = None

    def __repr__(self) -> str:
        """Without the contents."""
        return f"Trust({self.settings_text is not None}, {self.baseline_text is not None})"

    def settings(self) -> Settings | None:
        """Return the settings, or None.

        Raises:
            ConfigError: they are invalid.
        """
        if self.settings_text is None:
            return None
        from fluxsecrets.repo.settings import parse_settings

        return parse_settings(self.settings_text)

    def baseline(self) -> tuple[BaselineEntry, ...]:
        """Return the entries of the baseline; nothing without a baseline.

        Raises:
            ConfigError: it is invalid.
        """
        if self.baseline_text is None:
            return ()
        from fluxsecrets.findings.baseline import parse_baseline

        return parse_baseline(self.baseline_text)


def trusted_names(revision: str) -> tuple[str, ...]:
    """What `git cat-file` has to be asked for, to know what a state goes by.

    Args:
        revision: a commit or tree, or `INDEX`.
    """
    return tuple(f"{revision}:{name}" for name in _FILES)


def rule_files(paths: Iterable[str]) -> tuple[str, ...]:
    """The `.sops.yaml` files that may apply to some paths, whether they are there or not."""
    folders: dict[str, None] = {}
    for path in paths:
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            folders[folder] = None
    names = (f"{folder}/{RULES_NAME}" if folder else RULES_NAME for folder in folders)
    return tuple(name for name in names if "\n" not in name)  # git's line protocol has no way to name these


def take_rules(
    objects: Iterator[tuple[str, str, bytes | None]], names: Sequence[str]
) -> dict[str, bytes | None]:
    """The contents of `.sops.yaml` files, by name, from the answers; see `take_trust` for what is raised."""
    return {name: _text(objects, name) for name in names}


def take_trust(objects: Iterator[tuple[str, str, bytes | None]]) -> Trust:
    """What was asked for with `trusted_names`, from the answers.

    Raises:
        LimitError: one of the files is too large to be read.
        GitError: one of them is a folder.
    """
    return Trust(*map(partial(_text, objects), _FILES))


def read_trust(repository: Repository, revisions: Sequence[str]) -> tuple[Trust, ...]:
    """What several states go by; see `take_trust` for what is raised."""
    names = [name for revision in revisions for name in trusted_names(revision)]
    objects = repository.read_objects(names)
    return tuple(take_trust(objects) for _ in revisions)


def work_tree_trust(root: Path) -> Trust:
    """Return the settings and the baseline in the work tree.

    Raises:
        FileAccessError, LimitError: a file is there, and cannot be read.
    """
    settings, baseline = root / SETTINGS_NAME, root / BASELINE_NAME
    if not os.path.lexists(settings) and not baseline.is_file():
        return Trust()
    from fluxsecrets.files.reading import read_file

    return Trust(
        read_file(settings, limit=BLOB_LIMIT).data if os.path.lexists(settings) else None,
        read_file(baseline, limit=BLOB_LIMIT, follow_links=True).data if baseline.is_file() else None,
    )


def _text(objects: Iterator[tuple[str, str, bytes | None]], name: str) -> bytes | None:
    _, kind, data = next(objects)
    if kind == "missing":
        return None
    if kind != "blob":
        raise GitError("this is not a file", hint="rename what has taken its name", path=name)
    if data is None:
        raise LimitError("too large to be read", hint="shorten it", path=name)
    return data
