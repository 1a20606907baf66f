"""A manual page per command, from its help. The page of a group has its subcommands."""

import inspect
import re
from collections.abc import Iterator

import click

from fluxsecrets.cli.app import cli
from fluxsecrets.cli.commands import COMMANDS, GROUPS, RUN_BY_GIT
from fluxsecrets.cli.examples import DOCUMENTATION, SHOWN
from fluxsecrets.cli.headings import HeadedOption

_EXIT_CODES = (
    ("0", "Success, and no findings."),
    ("1", "Findings, problems, or a change that --check saw."),
    ("2", "An error. The message is on standard error, with what to do."),
)
_NO_REWRAP = "\b"


def pages() -> dict[str, str]:
    """Return the page of the program and of each command, by path below docs/."""
    root = click.Context(cli, info_name="fluxsecrets", **cli.context_settings)
    found = {"man/fluxsecrets.1": _page(root, "", "looks after every secret of a Flux repository")}
    for name, (_, line) in COMMANDS.items():
        command = cli.get_command(root, name)
        context = click.Context(command, info_name=name, parent=root)
        found[f"man/fluxsecrets-{name}.1"] = _page(context, name, line[0].lower() + line[1:].rstrip("."))
    return found


def _page(context: click.Context, name: str, line: str) -> str:
    title = f"fluxsecrets-{name}" if name else "fluxsecrets"
    lines = [
        f'.TH "{escaped(title.upper())}" "1" "" "fluxsecrets" "fluxsecrets manual"',
        *(".SH NAME", escaped(f"{title} - {line}")),
        *(".SH SYNOPSIS", *_synopsis(context)),
        *(".SH DESCRIPTION", *_paragraphs(context.command)),
        *_options(context),
        *(_commands(context) if name else _groups()),
        *(".SH EXIT STATUS", *(part for code, text in _EXIT_CODES for part in _item(f".B {code}", text))),
        *_examples([name, *_below(context.command, name)]),
        *(".SH SEE ALSO", *_see_also(name)),
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return text that roff prints as it is, and what is in backquotes bold.

    Hyphens stay hyphens where they are copied from the page.
    """
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    text = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", text).replace("`", r"\(ga")
    return "\\&" + text if text.startswith(".") else text


def _synopsis(context: click.Context) -> Iterator[str]:
    yield f".B {escaped(context.command_path)}"
    pieces = " ".join(context.command.collect_usage_pieces(context))
    if pieces:
        yield escaped(pieces)


def _paragraphs(command: click.Command) -> Iterator[str]:
    text = inspect.cleandoc(command.help or "").partition("\f")[0]
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        first, _, rest = paragraph.partition("\n")
        if first == _NO_REWRAP:
            yield from (".nf", *map(escaped, rest.split("\n")), ".fi")
        else:
            yield escaped(" ".join(paragraph.split()))


def _options(context: click.Context) -> Iterator[str]:
    headings: dict[str, list[str]] = {}
    for option in context.command.get_params(context):
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record is not None:
            heading = option.heading if isinstance(option, HeadedOption) else "Options"
            headings.setdefault(heading, []).extend(_item(f".B {escaped(record[0])}", record[1]))
    for heading, lines in headings.items():
        yield from (f".SH {escaped(heading.upper())}", *lines)


def _item(head: str, text: str) -> tuple[str, str, str]:
    return ".TP", head, escaped(" ".join(text.split()))


def _commands(context: click.Context) -> Iterator[str]:
    """The subcommands of a group, each with its synopsis, description and options."""
    command = context.command
    if not isinstance(command, click.Group):
        return
    yield ".SH COMMANDS"
    for name in command.list_commands(context):
        below = click.Context(command.get_command(context, name), info_name=name, parent=context)
        yield f".SS {escaped(f'{context.info_name} {name}')}"
        yield from (*_synopsis(below), ".PP", *_paragraphs(below.command))
        for option in below.command.get_params(below):
            is_own = isinstance(option, click.Option) and "--help" not in option.opts
            record = option.get_help_record(below) if is_own else None
            if record is not None:
                yield from _item(f".B {escaped(record[0])}", record[1])


def _groups() -> Iterator[str]:
    yield ".SH COMMANDS"
    for heading, group in GROUPS.items():
        yield f".SS {escaped(heading)}"
        for name, (_, text) in group.items():
            if name not in RUN_BY_GIT:
                yield from _item(f".BR fluxsecrets\\-{escaped(name)} (1)", text)


def _below(command: click.Command, name: str) -> list[str]:
    if not isinstance(command, click.Group) or not name:
        return []
    return [f"{name} {each}" for each in command.list_commands(click.Context(command))]


def _examples(names: list[str]) -> Iterator[str]:
    yield ".SH EXAMPLES"
    examples = {command: what for name in names for what, command in SHOWN[name].examples}
    for number, (command, what) in enumerate(examples.items()):
        if number:
            yield ".PP"
        yield from (f"{escaped(what[0].upper() + what[1:])}:", ".nf", f".B {escaped(command)}", ".fi")


def _see_also(name: str) -> Iterator[str]:
    group = next((group for group in GROUPS.values() if name in group), {})
    others = [f"fluxsecrets\\-{escaped(each)}" for each in group if each not in {name, *RUN_BY_GIT}]
    if name:
        others.insert(0, "fluxsecrets")
    for number, each in enumerate(others, start=1):
        yield f".BR {each} (1){',' if number < len(others) else ''}"
    if others:
        yield ".PP"
    yield escaped(f"{DOCUMENTATION}{SHOWN[name].page} in the source tree")
