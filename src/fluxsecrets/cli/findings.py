"""What `scan` and `audit` share: options around the baseline, and the formats of findings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from fluxsecrets.cli.options import Decorator, output_option
from fluxsecrets.errors import UsageError
from fluxsecrets.report.findings import FORMATS

baseline_option: Decorator = click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Known findings; default: .fluxsecrets-baseline.json at the top.",
)
no_baseline_option: Decorator = click.option("--no-baseline", is_flag=True, help="Ignore the baseline.")
update_baseline_option: Decorator = click.option(
    "--update-baseline", is_flag=True, help="Write the current findings to the baseline."
)
report_file_option: Decorator = output_option("Write the report to this file.")
findings_format_option: Decorator = click.option(
    "--format",
    "report",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="Format of the output.",
)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What to do with known findings."""

    baseline: Path | None
    no_baseline: bool
    update_baseline: bool

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
