"""The options that say where a new value comes from; `set` and `propose` share them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fluxsecrets.cli.options import LoggedOption
from fluxsecrets.ops.files.generated import EXAMPLES


def source_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--stdin`, `--value-file` and `--generate` to a command."""
    options = (
        click.option("--stdin", "from_stdin", is_flag=True, help="Read the value from standard input."),
        click.option(
            "--value-file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Read the value from a file, byte for byte.",
        ),
        click.option(
            "--generate",
            "spec",
            cls=LoggedOption,
            metavar="KIND[:N]",
            help=f"Generate the value: {EXAMPLES}.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function
