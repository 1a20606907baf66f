"""What findings are weighed by: the settings and the baseline of one state of the repository.

A check is only worth what it goes by. What is committed is judged by what is committed with it, never by a
file that merely lies in the work tree: nobody would see that one, and the next clone would not have it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, GitError, LimitError
from fluxsecrets.marks import BASELINE_NAME, RULES_NAME, SETTINGS_NAME, folders_above
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.repo.git import BLOB_LIMIT, Repository

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.findings.baseline import BaselineEntry
    from fluxsecrets.repo.leakrules import LeakRules
    from fluxsecrets.repo.settings import Settings

INDEX = ""
"""What stands before the colon of what is staged, where others have a revision."""

_FILES = (SETTINGS_NAME, BASELINE_NAME)


class Trust(NamedTuple):
    """The settings and the baseline of one state.

    Attributes:
        settings_text, baseline_text: their contents, or None if that state has no such file.
        others: path and content of the files that `scan:` in the settings names; None for missing ones.
    """

    settings_text: bytes | None = None
    baseline_text: bytes | None = None
    others: tuple[tuple[str, bytes | None], ...] = ()

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

    def leaks(self) -> LeakRules:
        """Return the rules and allowlists of the configuration of another tool that the settings name.

        Raises:
            ConfigError: it is missing or invalid.
        """
        from fluxsecrets.repo.leakextend import joined, read_chain
        from fluxsecrets.repo.leakreader import read_configuration
        from fluxsecrets.repo.leakrules import LeakRules

        settings = self.settings()
        if settings is None or settings.scan is None or settings.scan.config is None:
            return LeakRules()
        chain = read_chain(settings.scan.config, dict(self.others).get)
        return joined([read_configuration(data, path) for path, data in chain])


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
        folders |= dict.fromkeys(folders_above(path))
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
    settings, baseline = map(partial(_text, objects), _FILES)
    return Trust(settings, baseline)


def read_trust(repository: Repository, revisions: Sequence[str]) -> tuple[Trust, ...]:
    """What several states go by; see `take_trust` for what is raised."""
    names = [name for revision in revisions for name in trusted_names(revision)]
    objects = repository.read_objects(names)
    found = [take_trust(objects) for _ in revisions]
    return tuple(
        with_named(trust, state_reader(repository, revision))
        for revision, trust in zip(revisions, found, strict=True)
    )


def with_named(trust: Trust, read: Callable[[str], bytes | None]) -> Trust:
    """Return the trust with the files that `scan:` in its settings names.

    Args:
        trust: the settings and the baseline of a state.
        read: returns the content of a file of that state, or None if it has none.

    Raises:
        FluxsecretsError: a file cannot be read.
    """
    if trust.settings_text is None or b"scan" not in trust.settings_text:
        return trust
    try:
        settings = trust.settings()
    except FluxsecretsError:  # an error where the scan reads them
        return trust
    if settings is None or settings.scan is None:
        return trust
    scan, found = settings.scan, dict[str, bytes | None]()

    def remember(name: str) -> bytes | None:
        found[name] = data = read(name)
        return data

    for name in (scan.ignore_file, scan.secrets_baseline):
        if name is not None:
            remember(name)
    if scan.config is not None:
        from fluxsecrets.errors import ConfigError
        from fluxsecrets.repo.leakextend import read_chain

        try:
            for _ in read_chain(scan.config, remember):
                pass
        except ConfigError:  # an error there, too
            pass
    return trust._replace(others=tuple(sorted(found.items())))


def state_reader(repository: Repository, revision: str) -> Callable[[str], bytes | None]:
    """Return what reads files of a commit, a tree or the `INDEX`; see `take_trust` for what is raised."""

    def read(name: str) -> bytes | None:
        if "\n" in name:  # git's line protocol cannot name it
            return None
        return _text(iter(repository.read_objects([f"{revision}:{name}"], limit=BLOB_LIMIT)), name)

    return read


def work_tree_trust(root: Path) -> Trust:
    """Return the settings and the baseline in the work tree, and the files that the settings name.

    Raises:
        FileAccessError, LimitError: a file is there, and cannot be read.
    """
    settings, baseline = root / SETTINGS_NAME, root / BASELINE_NAME
    if not os.path.lexists(settings) and not baseline.is_file():
        return Trust()
    from fluxsecrets.files.reading import read_file

    def read(name: str) -> bytes | None:
        return read_file(root / name, limit=BLOB_LIMIT).data if os.path.lexists(root / name) else None

    known = read_file(baseline, limit=BLOB_LIMIT, follow_links=True).data if baseline.is_file() else None
    return with_named(Trust(read(SETTINGS_NAME), known), read)


def _text(objects: Iterator[tuple[str, str, bytes | None]], name: str) -> bytes | None:
    _, kind, data = next(objects)
    if kind == "missing":
        return None
    if kind != "blob":
        raise GitError("this is not a file", hint="rename what has taken its name", path=name)
    if data is None:
        raise LimitError("too large to be read", hint="shorten it", path=name)
    return data
