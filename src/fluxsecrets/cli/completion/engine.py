"""Reads an unfinished command line, and suggests what may be its last word."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence

from fluxsecrets.records import dataclass

from .suggestions import Suggestion, Suggestions
from .values import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

HELP_OPTIONS = ("-h", "--help")
_REPEATED = "*"
"""Ends the kind of an argument that takes all words which follow."""


@dataclass(frozen=True, slots=True)
class Table:
    """The commands, as `table.json` has them.

    Attributes:
        commands: words, such as `recipients add` -> `help`, `commands` (name -> line of help), `options`
            (name -> None for a switch, choices, or the kind of its value) and `arguments` (kinds).
        rules: rule of `scan` or `audit` -> title.
    """

    commands: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, str]


def load_table() -> Table:
    """Read the table that `make docs` wrote."""
    # importlib.resources would take longer to import than all the rest.
    with open(os.path.join(os.path.dirname(__file__), "table.json"), "rb") as stream:  # noqa: PTH118, PTH120, PTH123
        data = json.loads(stream.read())
    return Table(data["commands"], dict(data["rules"]))


def complete(table: Table, words: Sequence[str], current: str) -> Suggestions:
    """Suggest what completes a word.

    Args:
        table: the commands.
        words: the whole words before it, without the program.
        current: the word, as typed so far.
    """
    line = _read(table, words)
    if line.waiting is not None:
        return _of_kind(table, line, line.waiting, current)
    option, equals, value = current.partition("=")
    if equals and not line.only_arguments and option in line.options:
        found = _of_kind(table, line, line.options[option], value)
        return Suggestions(tuple(each._replace(value=f"{option}={each.value}") for each in found.found))
    if current.startswith("-") and current != "-" and not line.only_arguments:
        return Suggestions(tuple(_options(line, current)))
    commands: Mapping[str, str] = line.command["commands"]
    if commands and not line.arguments:
        return Suggestions(
            tuple(Suggestion(name, text) for name, text in commands.items() if name.startswith(current))
        )
    kind = _kind_of_argument(line)
    return _of_kind(table, line, kind, current) if kind is not None else Suggestions()


@dataclass(frozen=True, slots=True)
class _Line:
    """What the whole words of a command line say.

    Attributes:
        command: its row in the table.
        arguments: words that are neither options nor their values.
        used: options that were given.
        waiting: the kind of value that the last option waits for, or None.
        only_arguments: whether `--` was among the words.
    """

    command: Mapping[str, Any]
    arguments: tuple[str, ...]
    used: frozenset[str]
    waiting: object
    only_arguments: bool

    @property
    def options(self) -> Mapping[str, object]:
        options: Mapping[str, object] = self.command["options"]
        return options


def _read(table: Table, words: Sequence[str]) -> _Line:
    name, arguments, used = "", list[str](), set[str]()
    waiting: object = None
    only_arguments = False
    for word in words:
        options = table.commands[name]["options"]
        below = f"{name} {word}".strip()
        if waiting is not None:
            waiting = None
        elif word == "--" and not only_arguments:
            only_arguments = True
        elif word.startswith("-") and word != "-" and not only_arguments:
            option, equals, _ = word.partition("=")
            used.add(option)
            waiting = None if equals else options.get(option)
        elif not arguments and below in table.commands:
            name, used = below, set()
        else:
            arguments.append(word)
    return _Line(table.commands[name], tuple(arguments), frozenset(used), waiting, only_arguments)


def _options(line: _Line, current: str) -> Iterator[Suggestion]:
    """The options that begin so: long ones, as short ones say nothing, unless one is typed."""
    for option in (*line.options, *HELP_OPTIONS):
        wanted = option.startswith("--") or option == current
        if wanted and option.startswith(current) and option not in line.used:
            yield Suggestion(option, line.command["help"].get(option, ""))


def _kind_of_argument(line: _Line) -> object:
    kinds: Sequence[object] = line.command["arguments"]
    number = len(line.arguments)
    if number < len(kinds):
        return kinds[number]
    last = kinds[-1] if kinds else None
    return last if isinstance(last, str) and last.endswith(_REPEATED) else None


def _of_kind(table: Table, line: _Line, kind: object, current: str) -> Suggestions:
    if isinstance(kind, list):
        return Suggestions(tuple(Suggestion(each) for each in kind if each.startswith(current)))
    name = str(kind).removesuffix(_REPEATED)
    if name == "rule":
        rows = table.rules.items()
        return Suggestions(tuple(Suggestion(each, text) for each, text in rows if each.startswith(current)))
    if name == "command":
        rows = table.commands[_below(table, line)]["commands"].items()
        return Suggestions(tuple(Suggestion(each, text) for each, text in rows if each.startswith(current)))
    return values(name, current, line.arguments)


def _below(table: Table, line: _Line) -> str:
    """Return the command whose subcommands `help` may name next; one without any if there are none."""
    name = " ".join(line.arguments)
    return name if name in table.commands else "help"
