"""Which files a nested `.sops.yaml` decides for, and whom it lets in; for messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import RULES_NAME
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.config import lets_in, rule_for
from fluxsecrets.sops.recipients import Recipient


@dataclass(frozen=True, slots=True)
class Override:
    """A nested configuration that decides for a file.

    Attributes:
        config: the `.sops.yaml` that applies, as shown.
        outer: the one further up, as shown.
        lets_in: recipients that only the nested one names.
    """

    config: str
    outer: str
    lets_in: tuple[Recipient, ...]


def override_of(session: Session, path: Path) -> Override | None:
    """Return what the user should know about a nested `.sops.yaml` for a file, or None.

    Args:
        session: the run.
        path: absolute path of the file.
    """
    try:
        applied = session.rules_for(path)
        nearest = session.find_config(path.parent)
        found = _outer(nearest) if nearest is not None and session.config_path is None else None
        if applied is None or found is None or not applied.matches or not applied.matches[-1].matched:
            return None
        outer = session.load_config(found)
    except FluxsecretsError:
        return None  # which is said where the rule is needed
    replaced = rule_for(outer, path.relative_to(found.parent).as_posix())
    people = lets_in(applied.matches[-1].rule, outer, () if replaced is None else (replaced,))
    return Override(applied.config.path, outer.path, people)


def override_notes(session: Session, paths: Iterable[Path], names: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each nested `.sops.yaml` that lets in somebody whom the one further up does not.

    Args:
        session: the run.
        paths: absolute paths of files.
        names: recipient -> name.
    """
    counts: dict[Override, int] = {}
    for path in paths:
        found = override_of(session, path)
        if found is not None and found.lets_in:
            counts[found] = counts.get(found, 0) + 1
    return tuple(_note(each, count, names) for each, count in counts.items())


def _note(found: Override, count: int, names: Mapping[str, str]) -> str:
    files = "1 file" if count == 1 else f"{count} files"
    people = ", ".join(names_of((found.lets_in,), names))
    return f"{found.config} decides for {files} in place of {found.outer}, and lets in {people}"


def _outer(nearest: Path) -> Path | None:
    """The next `.sops.yaml` above one, in the same repository."""
    folder = nearest.parent
    while not (folder / ".git").exists() and folder != folder.parent:
        folder = folder.parent
        if (folder / RULES_NAME).is_file():
            return folder / RULES_NAME
    return None
