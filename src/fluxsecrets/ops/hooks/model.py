"""Results about hooks: what became of one, and whether git runs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

HOOKS = ("pre-commit", "pre-push")
"""The hooks of fluxsecrets, in the order in which they are shown."""


class HookOutcome(StrEnum):
    """What became of a hook."""

    INSTALLED = "installed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True)
class HookResult:
    """One hook.

    Attributes:
        hook: `pre-commit` or `pre-push`.
        note: what else there is to know, one sentence, or "".
    """

    hook: str
    path: Path
    outcome: HookOutcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class HookState:
    """Whether a hook does its work.

    Attributes:
        hook: `pre-commit` or `pre-push`.
        path: the file that git runs, or would run.
        installed: there is a hook of fluxsecrets, there or where git looked before.
        problem: why nothing is checked, or what is wrong with it; "" where all is well.
        late: it checks, and what runs after it may stage more: `problem` says what.
    """

    hook: str
    path: Path
    installed: bool
    problem: str = ""
    hint: str = ""
    late: bool = False
