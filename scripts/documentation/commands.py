"""A page per command, with its `--help`, and the list of commands.

Help is between `<!-- help: encrypt -->` and `<!-- end -->`, as the command prints it at 80 columns. The text
and the examples around it are written by hand. A command without a page gets one with its help.
"""

import io
import os
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

import click

from fluxsecrets.cli.app import cli
from fluxsecrets.cli.commands import COMMANDS
from fluxsecrets.cli.entry import run

_BLOCK = re.compile(r"^<!-- help:(?P<command>[a-z -]*)-->\n.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)
_LIST = re.compile(r"^<!-- commands -->\n.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)


def pages(docs: Path) -> dict[str, str]:
    """Return the page of each command, and the list of them, by path below docs/."""
    found = {f"commands/{name}.md": _page(docs / "commands" / f"{name}.md", name) for name in COMMANDS}
    overview = (docs / "commands.md").read_text(encoding="utf-8")
    return found | {"commands.md": _LIST.sub(lambda _: _listed(), with_help(overview))}


def _page(path: Path, name: str) -> str:
    text = path.read_text(encoding="utf-8") if path.exists() else f"# {name}\n"
    for command in paths(name):
        if command not in documented(text):
            heading = "" if command == name else f"\n## {command}\n"
            text = f"{text.rstrip()}\n{heading}\n<!-- help: {command} -->\n<!-- end -->\n"
    return with_help(text)


def paths(name: str) -> Iterator[str]:
    """Yield a command and the commands below it, as they are typed."""
    command = cli.get_command(click.Context(cli), name)
    yield name
    if isinstance(command, click.Group):
        yield from (f"{name} {each}" for each in command.list_commands(click.Context(command)))


def documented(page: str) -> list[str]:
    """Return the commands whose help is on the page; the empty string is the program itself."""
    return [match["command"].strip() for match in _BLOCK.finditer(page)]


def with_help(page: str) -> str:
    """Return the page with every help block up to date."""
    return _BLOCK.sub(lambda match: _block(match["command"].strip()), page)


def help_of(command: str) -> str:
    """Return what `fluxsecrets COMMAND --help` prints."""
    shown = io.StringIO()
    with patch.dict(os.environ, COLUMNS="80", NO_COLOR="1", TERM="dumb"), redirect_stdout(shown):
        code = run([*command.split(), "--help"])
    if code != 0:
        raise SystemExit(f"error: `fluxsecrets {command} --help` exited with {code}")
    return "\n".join(line.rstrip() for line in shown.getvalue().splitlines()).strip()


def _block(command: str) -> str:
    marker = f"<!-- help: {command} -->" if command else "<!-- help: -->"
    return f"{marker}\n```text\n{help_of(command)}\n```\n<!-- end -->"


def _listed() -> str:
    rows = [f"| [`{name}`](commands/{name}.md) | {line} |" for name, (_, line) in COMMANDS.items()]
    return "\n".join(["<!-- commands -->", "| Command | |", "|---|---|", *rows, "<!-- end -->"])
