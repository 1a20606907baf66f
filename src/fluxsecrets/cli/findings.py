"""What `scan` and `audit` share: options around the baseline, and the formats of findings."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click

from fluxsecrets.cli.options import Decorator, output_option, remember_output
from fluxsecrets.cli.reportfile import ReportFile
from fluxsecrets.errors import UsageError
from fluxsecrets.report.findings import FORMATS

HTML = "html"
"""The format of `audit` that shows more than findings."""

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
all_envs_option: Decorator = click.option(
    "--all-envs",
    "every_environment",
    is_flag=True,
    help="Cover every environment; fail if the repository has none.",
)
everything_option: Decorator = click.option(
    "--all",
    "everything",
    is_flag=True,
    help="List every finding, even if many files have those of one rule.",
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

audit_format_option: Decorator = click.option(
    "--format",
    "report",
    type=click.Choice([*FORMATS, HTML]),
    default="text",
    show_default=True,
    help="Format of the output.",
)


def refuse_both(environment: str | None, *, every: bool) -> None:
    """Refuse --env together with --all-envs.

    Raises:
        UsageError: both are given.
    """
    if environment is not None and every:
        raise UsageError("--env can't be combined with --all-envs", hint="leave one of them out")


def reports_option(formats: Collection[str]) -> Decorator:
    """`--report FORMAT=FILE`: further reports of the same run."""

    def take(
        context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]
    ) -> tuple[ReportFile, ...]:
        return tuple(_report_file(context, text, formats) for text in texts)

    return click.option(
        "--report",
        "reports",
        multiple=True,
        metavar="FORMAT=FILE",
        callback=take,
        help="Also write the report in this format to this file; repeatable.",
    )


def _report_file(context: click.Context, text: str, formats: Collection[str]) -> ReportFile:
    name, _, file = text.partition("=")
    if name not in formats:
        from difflib import get_close_matches

        near = get_close_matches(name, formats, n=1)
        known = f"did you mean --report {near[0]}=FILE?" if near else f"choose from {', '.join(formats)}"
        raise UsageError(f"--report {text!a} does not start with the name of a format", hint=known)
    if file in {"", "-"}:
        raise UsageError(
            f"--report {text!a} does not name a file",
            hint=f"give --report {name}=FILE, or --format {name} for standard output",
        )
    return ReportFile(name, remember_output(context, Path(file)))
