"""The file with our attributes: written, and restored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fluxsecrets.files.reading import FileContent
from fluxsecrets.files.writing import write_atomic, write_new
from fluxsecrets.marks import PROPOSED, name_in
from fluxsecrets.repo.git import Repository
from fluxsecrets.repo.git.bare import is_bare_repository
from fluxsecrets.repo.git.config import read_setting

from .attributereading import attribute_content, attribute_file, text_of
from .attributes import has_block, patterns_of, with_block, without_block
from .ciphertexts import Sorted
from .model import HookOutcome, HookResult
from .patterns import choose

ATTRIBUTES = "attributes"
"""What results call them."""

_PROPOSALS = f"*{PROPOSED}*.yaml"


def install_attributes(repository: Repository, files: Sorted) -> HookResult:
    """Put our lines into the file with attributes, for what has ciphertexts now or will have them.

    Raises:
        FileAccessError: it is a link, which git does not follow, or can't be read or written.
    """
    path = attribute_file(repository)
    found = attribute_content(path)
    before = "" if found is None else text_of(found)
    patterns = _wanted(repository, files, before)
    after = with_block(before, patterns)
    note = "" if patterns else "there is no secret yet: run it again after the first one is encrypted"
    if after == before:
        outcome = HookOutcome.UNCHANGED if patterns else HookOutcome.NOT_NEEDED
        return HookResult(ATTRIBUTES, path, outcome, note)
    outcome = HookOutcome.UPDATED if has_block(before) else HookOutcome.INSTALLED
    if patterns and not is_bare_repository(repository):
        note = "commit .gitattributes, so that other clones have them"
    return HookResult(ATTRIBUTES, path, outcome, _write(path, found, after, note))


def planned_attributes(repository: Repository, files: Sorted) -> tuple[Path, str, str]:
    """Return the path of the file with attributes, its text, and what `install_attributes` would make of it.

    Raises:
        FileAccessError: it is a link, which git does not follow, or can't be read.
    """
    path = attribute_file(repository)
    found = attribute_content(path)
    before = "" if found is None else text_of(found)
    return path, before, with_block(before, _wanted(repository, files, before))


def _wanted(repository: Repository, files: Sorted, before: str) -> tuple[str, ...]:
    sparse = read_setting(repository, "core.sparseCheckout") == "true"
    return _patterns(files, patterns_of(before), unseen=sparse)


def _patterns(files: Sorted, kept: Sequence[str], *, unseen: bool) -> tuple[str, ...]:
    """The lines for the files, and where there are any, one for proposals: they come and go."""
    wanted = [path for path in (*files.ciphertexts, *files.plain) if not _is_proposal(path)]
    others = (path for path in files.others if not _is_proposal(path))
    chosen = choose(wanted, others, [line for line in kept if line != _PROPOSALS], unseen=unseen)
    return (*chosen, _PROPOSALS) if chosen else ()


def _is_proposal(path: str) -> bool:
    """Whether the line for proposals matches a path. Few have other names, see `marks.is_proposal_name`."""
    return PROPOSED in name_in(path) and path.endswith(".yaml")


def uninstall_attributes(repository: Repository) -> HookResult:
    """Remove our lines, and the file if nothing else is in it.

    Raises:
        FileAccessError: it can't be read or written.
    """
    path = attribute_file(repository)
    found = attribute_content(path)
    before = "" if found is None else text_of(found)
    if found is None or not has_block(before):
        return HookResult(ATTRIBUTES, path, HookOutcome.NOT_INSTALLED)
    return HookResult(ATTRIBUTES, path, HookOutcome.REMOVED, _write(path, found, without_block(before), ""))


def _write(path: Path, found: FileContent | None, text: str, note: str) -> str:
    """Write a file, or remove an empty one; gives what is to be said."""
    data = text.encode("utf-8", "surrogateescape")
    if found is None:
        path.parent.mkdir(exist_ok=True)
        write_new(path, data, mode=0o644)
        return note
    if not data:
        path.unlink()
        return note
    return "; ".join(filter(None, (note, write_atomic(path, data, expected=found))))
