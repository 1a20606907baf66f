"""Plain data as sops's command line addresses and changes it: paths, values set, values removed."""

from __future__ import annotations

import re

from fluxsecrets.errors import UsageError
from fluxsecrets.sops.document import Data, Path

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


def set_in(data: Data, path: Path, value: Data) -> Data:
    """The data with a value set, as in sops.go.

    What is in the way of a path is replaced, and a position behind a list's end appends.

    Raises:
        UsageError: a key into a list, or a position before a list's start.
    """
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(data, dict) and isinstance(step, str):
        return {**data, step: set_in(data.get(step), rest, value)}
    if isinstance(data, list):
        if not isinstance(step, int) or step < -len(data):
            raise UsageError(f"a list has no item {step!a}", hint="name a position, such as [0]")
        if step >= len(data):
            return [*data, set_in(None, rest, value)]
        items = list(data)
        items[step] = set_in(items[step], rest, value)
        return items
    return {step: set_in(None, rest, value)} if isinstance(step, str) else [set_in(None, rest, value)]


def unset_in(data: Data, path: Path) -> Data:
    """The data without a value that is in it."""
    step, rest = path[0], path[1:]
    if isinstance(data, dict) and isinstance(step, str):
        if rest:
            return {**data, step: unset_in(data[step], rest)}
        return {key: item for key, item in data.items() if key != step}
    assert isinstance(data, list) and isinstance(step, int)  # noqa: S101, PT018 - the caller found it
    items = list(data)
    if rest:
        items[step] = unset_in(items[step], rest)
    else:
        del items[step]
    return items
