"""Baselines: findings that a repository has today and that shall not stop anybody, in a committed file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from fluxsecrets.errors import ConfigError
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_atomic, write_new
from fluxsecrets.marks import BASELINE_NAME

from .model import Finding

VERSION = 1
"""At the repository's root it is used without being named."""

_LIMIT = 64 * 2**20
_FILE_MODE = 0o644  # it holds no secret, and colleagues read it


@dataclass(frozen=True, slots=True)
class BaselineEntry:
    """A finding that is known: its fingerprint, and for people its rule and file."""

    fingerprint: str
    rule: str
    path: str


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
    if len(texts) != len(names):
        raise ConfigError(f"findings[{number}] of the baseline is damaged", path=path)
    return BaselineEntry(*texts)


def update_baseline(
    path: Path, findings: Iterable[Finding], looked_at: Callable[[BaselineEntry], bool]
) -> Written:
    """Make a baseline know these findings; sorted, one line each, so that merges are easy.

    Its entries that `looked_at` does not accept stay.

    Raises:
        FileAccessError: it cannot be read or written, or was changed or created meanwhile.
        ConfigError: what is there is not a baseline, or one of a newer version.
    """
    import json

    before = read_file(path, limit=_LIMIT, follow_links=True) if path.exists() else None
    entries = parse_baseline(before.data, str(path)) if before is not None else ()
    kept = [entry for entry in entries if not looked_at(entry)]

    known = {BaselineEntry(item.fingerprint, item.rule, item.location.path) for item in findings}
    lasting = sorted(known | set(kept), key=lambda entry: (entry.path, entry.rule, entry.fingerprint))
    lines = [
        json.dumps({"path": entry.path, "rule": entry.rule, "fingerprint": entry.fingerprint})
        for entry in lasting
    ]
    body = ",\n    ".join(lines)
    block = f"[\n    {body}\n  ]" if lines else "[]"
    text = f'{{\n  "version": {VERSION},\n  "findings": {block}\n}}\n'
    note = None
    if before is None:
        write_new(path, text.encode("ascii"), _FILE_MODE)
    else:
        note = write_atomic(path, text.encode("ascii"), expected=before)
    return Written(len(lasting), note)


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
