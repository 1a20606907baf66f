"""Options that several commands share, and the session that they give."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from fluxsecrets.ops.session import Session

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

FORMAT_NAMES = ("yaml", "json", "dotenv", "ini", "binary")

env_option: Decorator = click.option(
    "--env", "environment", metavar="NAME", help="All secrets of one environment."
)
format_option: Decorator = click.option(
    "--format", "report", type=click.Choice(["text", "json"]), help="How to report; text unless told."
)
quiet_option: Decorator = click.option("-q", "--quiet", is_flag=True, help="Only results and errors.")
config_option: Decorator = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Use this .sops.yaml, wherever the file is.",
)
input_type_option: Decorator = click.option(
    "--input-type", type=click.Choice(FORMAT_NAMES), help="Format of the input, whatever its name says."
)
filename_option: Decorator = click.option(
    "--filename",
    "--filename-override",
    "filename",
    metavar="NAME",
    help="With -: the name that standard input has for rules and format.",
)


def make_session(config: Path | None = None) -> Session:
    """The session of this process.

    Args:
        config: `--config`; it is read at once, so that a fault in it is said before any file is touched.

    Raises:
        ConfigError, FileAccessError: it is not there, or invalid.
    """
    session = Session(dict(os.environ), Path.cwd(), config_path=config, ask=_ask, notify=_notify)
    if config is not None:
        session.load_config(session.cwd / config)
    return session


def _ask(question: str) -> str:
    from fluxsecrets.keys.prompt import ask_at_terminal

    return ask_at_terminal(question)


def _notify(text: str) -> None:
    from fluxsecrets.report.text import printable

    click.echo(printable(text), err=True)
