"""Results about hooks: what became of one, and whether git runs it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from fluxsecrets.records import dataclass

HOOKS = ("pre-commit", "pre-merge-commit", "pre-push")
"""The hooks of fluxsecrets, in the order in which they are shown."""


DRIVERS = "drivers"
"""The name of the merge driver, the textconv and the attributes together, where hooks are named."""


class HookOutcome(StrEnum):
    """What became of a hook."""

    INSTALLED = "installed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    NOT_INSTALLED = "not installed"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class HookResult:
    """What became of a hook, a driver or the attributes.

    Attributes:
        hook: such as `pre-commit`, or `merge driver`.
        path: the file that it is in.
        note: what else there is to know, one sentence, or "".
    """

    hook: str
    path: Path
    outcome: HookOutcome
    note: str = ""


@dataclass(frozen=True, slots=True)
class HookState:
    """Whether a hook, a driver or the attributes do their work.

    Attributes:
        hook: such as `pre-commit`, or `merge driver`.
        path: the file that git runs or reads, or would.
        installed: fluxsecrets is in it, or where git looked before.
        problem: why it does nothing, or what is wrong with it; "" where all is well.
        late: it checks, and what runs after it may stage more: `problem` says what.
    """

    hook: str
    path: Path
    installed: bool
    problem: str = ""
    hint: str = ""
    late: bool = False
