"""Baselines: findings that a repository has today and that shall not stop anybody, in a committed file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.errors import ConfigError
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_atomic, write_new
from fluxsecrets.marks import BASELINE_NAME
from fluxsecrets.records import dataclass

from .model import Finding

VERSION = 1
"""At the repository's root it is used without being named."""

_LIMIT = 64 * 2**20
_FILE_MODE = 0o644  # it holds no secret, and colleagues read it


@dataclass(frozen=True, slots=True)
class BaselineEntry:
    """A finding that is known: its fingerprint, and for people its rule and file.

    Attributes:
        accepted: how many values were accepted one after the other. Another value is a new finding until
            this grows; see `ops.checks.baselinevalues`.
        commit: the commit of a history whose value is accepted, or None for that of the files.
    """

    fingerprint: str
    rule: str
    path: str
    accepted: int = 1
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """Findings after a baseline was applied.

    Attributes:
        new: those that it does not know.
        gone: its entries that were looked for and not found any more.
    """

    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    gone: tuple[BaselineEntry, ...]


class Written(NamedTuple):
    """A baseline that was written.

    Attributes:
        entries: how many it has.
        note: what of the file's access could not be kept, or None.
    """

    entries: int
    note: str | None = None


def read_baseline(path: Path) -> tuple[BaselineEntry, ...]:
    """The entries of a baseline.

    Raises:
        FileAccessError, LimitError: it cannot be read.
        ConfigError: it is not a baseline, or one of a newer version.
    """
    return parse_baseline(read_file(path, limit=_LIMIT, follow_links=True).data, str(path))


def parse_baseline(data: bytes, path: str = BASELINE_NAME) -> tuple[BaselineEntry, ...]:
    """The entries of a baseline's content; raises as `read_baseline` does."""
    import json

    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("version"), int):
        raise ConfigError(
            "this is not a baseline of fluxsecrets", hint="write one with --update-baseline", path=path
        )
    if content["version"] != VERSION:
        raise ConfigError(
            f"the baseline has version {content['version']}, and this fluxsecrets knows {VERSION}",
            hint="update fluxsecrets, or write the baseline again with --update-baseline",
            path=path,
        )
    entries = content.get("findings")
    if not isinstance(entries, list):
        raise ConfigError("the baseline has no list of findings", path=path)
    return tuple(_entry(item, number, path) for number, item in enumerate(entries))


def _entry(item: object, number: int, path: str) -> BaselineEntry:
    names = ("fingerprint", "rule", "path")
    values = [item.get(name) for name in names] if isinstance(item, dict) else []
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(names) or not isinstance(item, dict):
        raise ConfigError(f"findings[{number}] of the baseline is damaged", path=path)
    accepted, commit = item.get("accepted", 1), item.get("commit")
    is_id = commit is None or (isinstance(commit, str) and re.fullmatch(r"[0-9a-f]{40,64}", commit))
    if type(accepted) is not int or accepted < 1 or not is_id:
        raise ConfigError(f"findings[{number}] of the baseline is damaged", path=path)
    name, rule, where = texts
    return BaselineEntry(name, rule, where, accepted, commit)


def update_baseline(
    path: Path,
    findings: Iterable[Finding],
    looked_at: Callable[[BaselineEntry], bool],
    changed: Collection[Finding] = (),
) -> Written:
    """Make a baseline know these findings; sorted, one line each, so that merges are easy.

    Its entries that `looked_at` does not accept stay.

    Args:
        path: the baseline, which need not exist.
        findings: what it shall know.
        looked_at: which entries would have been found.
        changed: those of which it knows the fingerprint, and not the value. One more value is accepted for
            each; of a history, the value of its commit.

    Raises:
        FileAccessError: it cannot be read or written, or was changed or created meanwhile.
        ConfigError: what is there is not a baseline, or one of a newer version.
    """
    import json

    before = read_file(path, limit=_LIMIT, follow_links=True) if path.exists() else None
    entries = parse_baseline(before.data, str(path)) if before is not None else ()
    had = {entry.fingerprint: entry for entry in entries if entry.commit is None}
    known = {_known(item, had.get(item.fingerprint), item in changed) for item in findings}
    # Values of commits stay accepted as long as their finding is known.
    names = {entry.fingerprint for entry in known}
    kept = [
        entry
        for entry in entries
        if (entry.commit is not None if entry.fingerprint in names else not looked_at(entry))
    ]
    lasting = sorted(
        known | set(kept),
        key=lambda entry: (entry.path, entry.rule, entry.fingerprint, entry.commit or ""),
    )
    lines = [json.dumps(_fields(entry)) for entry in lasting]
    body = ",\n    ".join(lines)
    block = f"[\n    {body}\n  ]" if lines else "[]"
    text = f'{{\n  "version": {VERSION},\n  "findings": {block}\n}}\n'
    note = None
    if before is None:
        write_new(path, text.encode("ascii"), _FILE_MODE)
    else:
        note = write_atomic(path, text.encode("ascii"), expected=before)
    return Written(len(lasting), note)


def _known(finding: Finding, had: BaselineEntry | None, is_changed: bool) -> BaselineEntry:
    place = finding.location
    accepted = 1 if had is None else had.accepted
    if place.commit is not None and finding.value_id is not None and (had is None or is_changed):
        return BaselineEntry(finding.fingerprint, finding.rule, place.path, 1, place.commit)
    return BaselineEntry(finding.fingerprint, finding.rule, place.path, accepted + is_changed)


def _fields(entry: BaselineEntry) -> dict[str, object]:
    fields: dict[str, object] = {"path": entry.path, "rule": entry.rule, "fingerprint": entry.fingerprint}
    if entry.accepted > 1:
        fields["accepted"] = entry.accepted
    if entry.commit is not None:
        fields["commit"] = entry.commit
    return fields


def apply_baseline(
    findings: Sequence[Finding], entries: Sequence[BaselineEntry], looked_at: Callable[[BaselineEntry], bool]
) -> BaselineResult:
    """Part findings into new and known ones.

    An entry that `looked_at` accepts is gone if this run did not find it.
    """
    fingerprints = {entry.fingerprint for entry in entries}
    found = {finding.fingerprint for finding in findings}
    return BaselineResult(
        tuple(item for item in findings if item.fingerprint not in fingerprints),
        tuple(item for item in findings if item.fingerprint in fingerprints),
        tuple(entry for entry in entries if entry.fingerprint not in found and looked_at(entry)),
    )
