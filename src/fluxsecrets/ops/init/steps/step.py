"""What a step of `init` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fluxsecrets.ops.init.coverage import Coverage
from fluxsecrets.ops.init.holders import Holders
from fluxsecrets.ops.init.model import Action, Item, StepPlan
from fluxsecrets.ops.init.survey import Survey
from fluxsecrets.sops.config_append import FreshRule


@dataclass(frozen=True, slots=True)
class Situation:
    """What steps look at.

    Attributes:
        fresh: the rules that are missing.
    """

    survey: Survey
    coverage: Coverage
    holders: Holders
    fresh: tuple[FreshRule, ...]

    def write(self, step: str, path: str, data: bytes, what: str) -> Item:
        """Note a file's new content, and return the line of the plan for it.

        Args:
            step: the id of the step.
            path: relative to the root.
            data: its content.
            what: what is in it, or what changes.

        Raises:
            FileAccessError: it is a link, or cannot be read.
        """
        shown = self.survey.shown(path)
        old = self.survey.content(path)
        if old == data:
            return Item(step, Action.KEEP, shown, what, path=shown)
        self.survey.draft.write(path, data, old=old, mode=0o644 if old is None else None)
        return Item(step, Action.CREATE if old is None else Action.CHANGE, shown, what, path=shown)


@dataclass(frozen=True, slots=True)
class Step:
    """A step.

    Attributes:
        skippable: the repository is protected without it.
    """

    id: str
    plan: Callable[[Situation], StepPlan]
    skippable: bool = True
