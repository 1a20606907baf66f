"""`.gitignore`: key files, and plain text that other tools leave."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from fluxsecrets.errors import FileAccessError
from fluxsecrets.marks import name_in
from fluxsecrets.ops.init.model import Action, Item, StepPlan

from .step import Situation, Step

_ID = "gitignore"
_PATH = ".gitignore"

KEY_FILES = ("*.agekey", "keys.txt", "age.key", "key.txt")
"""Names that files with private keys usually have."""

_LEFT = ("*.dec", "*.dec.*", ".*.fluxsecrets-*.tmp")
_TITLE = "# Private keys, and plain text that was decrypted"


def _plan(situation: Situation) -> StepPlan:
    survey = situation.survey
    shown = survey.shown(_PATH)
    try:
        old = survey.content(_PATH) or b""
    except FileAccessError as error:
        return StepPlan((Item(_ID, Action.YOURS, shown, error.message, error.hint or ""),))
    there = {line.strip() for line in old.decode("utf-8", "replace").splitlines()}
    secrets = {each.path for each in survey.secrets if each.encrypted}
    missing = [
        pattern
        for pattern in (*KEY_FILES, *_LEFT)
        if pattern not in there and not any(matches(path, (pattern,)) for path in secrets)
    ]
    if not missing:
        return StepPlan((Item(_ID, Action.KEEP, shown, "key files are ignored", path=shown),))
    newline = b"\r\n" if b"\r\n" in old else b"\n"
    lines = newline.join(line.encode() for line in (_TITLE, *missing)) + newline
    gap = b"" if not old else newline if old.endswith(b"\n") else newline * 2
    return StepPlan((situation.write(_ID, _PATH, old + gap + lines, "key files, and decrypted files"),))


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a file's name is one of these patterns of git, none of which has a `/`."""
    return any(fnmatchcase(name_in(path), pattern) for pattern in patterns)


STEP = Step(_ID, _plan)
