"""`fluxsecrets explain`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    PathArgument,
    config_option,
    format_option,
    input_type_option,
    make_session,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.ops.files.explain import explain
from fluxsecrets.ops.run.inputs import refuse_folder
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.targets import select
from fluxsecrets.report.text import explanation_lines


@click.command("explain")
@click.argument("path", cls=PathArgument)
@input_type_option
@config_option
@format_option
def command(path: str, input_type: str | None, config: Path | None, report: str | None) -> int:
    """Show which creation rule applies to a file, for whom, and what it would encrypt."""
    session, out = make_session(config), Output()
    refuse_folder(session, path)
    selection = select(session, [path], input_type=input_type)
    explanation = explain(session, selection.targets[0], read_public_keys(selection.root))
    if report == "json":
        from fluxsecrets.report.json import explanation_json

        out.text([explanation_json(explanation)])
    else:
        out.text(explanation_lines(explanation))
        for warning in explanation.warnings:
            out.warning(f"warning: {warning}")
        if explanation.problem is not None:
            out.error(explanation.problem)
    return 0 if explanation.problem is None else 2
