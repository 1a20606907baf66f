"""Reads a command line as click would, or leaves it to click: whatever is wrong, rare or unclear is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fluxsecrets.cli.parameter import Parameter
from fluxsecrets.namedtuples import NamedTuple

from .table import COMMAND, FORMS, MANY, NUMBER, ONE, SWITCH, TEXTS, Argument, Form, Option

_MOST_DIGITS = 9


class Parsed(NamedTuple):
    """A command line with the value of each parameter that the table has."""

    command: str
    parameters: tuple[Parameter, ...]

    @property
    def values(self) -> dict[str, object]:
        """The values by name."""
        return {each.name: each.value for each in self.parameters}


class _LeftToClickError(Exception):
    """The command line is not one of the common forms."""


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> Parsed | None:
    """Read a command line, without the program's name.

    Args:
        arguments: the words.
        environ: the environment, by which click may be asked to complete a line, or told an option.

    Returns:
        What click would read; None if click has to do it.
    """
    form = FORMS.get(arguments[0]) if arguments else None
    if form is None or "_FLUXSECRETS_COMPLETE" in environ or _asks_for_debugging(arguments):
        return None
    if any(environ.get(name) for name in form.variables):
        return None
    try:
        given, words = _split(form, arguments[1:])
        values = {**_options(form, given), **_arguments(form, words)}
    except _LeftToClickError:
        return None
    parameters: tuple[Argument | Option, ...] = (*form.arguments, *form.options)
    return Parsed(arguments[0], tuple(Parameter(x.name, x.role, values[x.name]) for x in parameters))


def _asks_for_debugging(arguments: Sequence[str]) -> bool:
    """`--debug` may be anywhere before `--`, even among the words of another program."""
    return "--debug" in arguments[: arguments.index("--") if "--" in arguments else len(arguments)]


def _split(form: Form, words: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the options that were given, with their texts, and the other words."""
    forms = {each: option for option in form.options for each in option.forms}
    runs_other = form.arguments[-1].takes == COMMAND
    given: dict[str, list[str]] = {}
    others: list[str] = []
    rest = list(reversed(words))
    while rest:
        word = rest.pop()
        if word == "--":
            if not runs_other or len(others) != 1:
                raise _LeftToClickError
            return given, [*others, *reversed(rest)]
        if not word.startswith("-") or word == "-":
            others.append(word)
            if runs_other and "--" not in words:
                return given, [*others, *reversed(rest)]
            continue
        name, equals, text = word.partition("=")
        option = forms.get(name)
        if option is None or (equals and (option.takes == SWITCH or not name.startswith("--"))):
            raise _LeftToClickError
        if option.takes == SWITCH:
            text = ""
        elif not equals:
            if not rest or rest[-1].startswith("-"):
                raise _LeftToClickError
            text = rest.pop()
        given.setdefault(option.name, []).append(text)
    return given, others


def _options(form: Form, given: Mapping[str, Sequence[str]]) -> dict[str, object]:
    return {
        each.name: _value(each, given[each.name]) if each.name in given else each.default
        for each in form.options
    }


def _value(option: Option, texts: Sequence[str]) -> object:
    if option.takes == TEXTS:
        return tuple(texts)
    if len(texts) > 1:
        raise _LeftToClickError
    text = texts[0]
    if option.takes == SWITCH:
        return True
    if option.choices and text not in option.choices:
        raise _LeftToClickError
    if option.takes == NUMBER:
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) > 0):
            raise _LeftToClickError
        return int(text)
    return text


def _arguments(form: Form, words: list[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for argument in form.arguments:
        if argument.takes in (MANY, COMMAND):
            values[argument.name], words = tuple(words), []
        elif words:
            values[argument.name], *words = words
        elif argument.takes == ONE:
            raise _LeftToClickError
        else:
            values[argument.name] = None
    if words:
        raise _LeftToClickError
    return values
