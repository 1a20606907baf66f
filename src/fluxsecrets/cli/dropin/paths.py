"""Paths in a document as sops's command line has them: `["data"]["list"][0]`."""

from __future__ import annotations

import re

from fluxsecrets.errors import UsageError
from fluxsecrets.sops.document import Path

_STEP = re.compile(r"""\[(?:"(.*?)"|'(.*?)'|([+-]?[0-9]+))\](?=\[|$)""", re.DOTALL)


def parse_tree_path(text: str) -> Path:
    r"""Read a path; what is between quotes is taken as it is, `\` included (sops: `parseTreePath`).

    Returns:
        Map keys and list positions; nothing for an empty text, which means the whole document.

    Raises:
        UsageError: not a path.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise UsageError(f"{text!a} is not a path", hint="""write it like '["data"]["password"]'""")
        quoted = match[1] if match[1] is not None else match[2]
        steps.append(int(match[3]) if quoted is None else quoted)
        position = match.end()
    return tuple(steps)
