"""Writes every command's `--help` into docs/commands.md: `make docs`.

Help stands between `<!-- help: encrypt -->` and `<!-- end -->`, as the command prints it at 80 columns.
Tests compare the page with the live output, so it can't rot.
"""

import io
import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

from fluxsecrets.cli.app import run

PAGE = Path(__file__).with_name("commands.md")
_BLOCK = re.compile(r"^<!-- help:(?P<command>[a-z -]*)-->\n.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)


def documented(page: str) -> list[str]:
    """The commands that the page has help for; the program as a whole is the empty string."""
    return [match["command"].strip() for match in _BLOCK.finditer(page)]


def with_help(page: str) -> str:
    """The page with every help block as it should be."""
    return _BLOCK.sub(lambda match: _block(match["command"].strip()), page)


def help_of(command: str) -> str:
    """What `fluxsecrets COMMAND --help` prints."""
    shown = io.StringIO()
    with patch.dict(os.environ, COLUMNS="80", NO_COLOR="1", TERM="dumb"), redirect_stdout(shown):
        code = run([*command.split(), "--help"])
    if code != 0:
        raise SystemExit(f"error: `fluxsecrets {command} --help` exited with {code}")
    return "\n".join(line.rstrip() for line in shown.getvalue().splitlines()).strip()


def _block(command: str) -> str:
    marker = f"<!-- help: {command} -->" if command else "<!-- help: -->"
    return f"{marker}\n```text\n{help_of(command)}\n```\n<!-- end -->"


def main() -> int:
    """Rewrite the page."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_help(page), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
