"""`--format` and `--output` of commands that report something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fluxsecrets.cli.keptreport import keep_report
from fluxsecrets.cli.options import Decorator, LoggedOption, output_path


def formats_option(*formats: str, also: str = "") -> Decorator:
    """`--format`, text by default, and `--output` for the file that the result goes to."""

    def keep(context: click.Context, _parameter: click.Parameter, text: str | None) -> Path | None:
        if text is None or text == "-":
            return None
        from fluxsecrets.cli.reportfile import refuse_output  # most reports are shown

        path = output_path(context, text, ())
        refuse_output(path)
        keep_report(path)
        return path

    def decorate(run: Callable[..., Any]) -> Callable[..., Any]:
        run = click.option(
            "-o",
            "--output",
            cls=LoggedOption,
            metavar="FILE",
            expose_value=False,
            callback=keep,
            help="Write the report to this file.",
        )(run)
        return click.option(
            "--format",
            "report",
            type=click.Choice(formats),
            default="text",
            show_default=True,
            help=f"Format of the output{also}.",
        )(run)

    return decorate


report_option: Decorator = formats_option("text", "json")
"""`--format` and `--output` of most commands."""
