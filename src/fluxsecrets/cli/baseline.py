"""What `scan` and `audit` are told to do with known findings."""

from __future__ import annotations

from pathlib import Path

from fluxsecrets.errors import UsageError
from fluxsecrets.records import dataclass


@dataclass(frozen=True, slots=True)
class Baseline:
    """What to do with known findings."""

    baseline: Path | None = None
    no_baseline: bool = False
    update_baseline: bool = False

    def refuse_contradiction(self) -> None:
        """Refuse --no-baseline together with an option that is about the baseline.

        Raises:
            UsageError: they contradict each other.
        """
        if self.no_baseline and (self.baseline is not None or self.update_baseline):
            raise UsageError(
                "--no-baseline can't be combined with --baseline or --update-baseline",
                hint="leave one of them out",
            )
