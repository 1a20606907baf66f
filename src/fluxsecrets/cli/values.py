"""Options that get, set, unset and edit share."""

from __future__ import annotations

from collections.abc import Sequence

import click

from fluxsecrets.cli.options import Decorator
from fluxsecrets.cli.output import Output

document_option: Decorator = click.option(
    "--document",
    type=click.IntRange(min=1),
    metavar="N",
    help="The YAML document that is meant, from 1, where a file has several.",
)
accept_option: Decorator = click.option(
    "--accept-recipients",
    is_flag=True,
    help="Go on although the file's recipients or selector are not the rule's.",
)


def show_warnings(out: Output, path: str, warnings: Sequence[str]) -> None:
    """Show what the user should know about a file."""
    for warning in warnings:
        out.warning(f"warning: {path}: {warning}")
