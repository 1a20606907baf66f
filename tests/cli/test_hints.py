"""Every command that a message, a hint or a help text names is there, and can be run as it is printed."""

import ast
import re
from functools import cache
from pathlib import Path

import click
import pytest

from commandlines import PLACEHOLDER, check

SOURCE = Path(__file__).parents[2] / "src" / "fluxsecrets"

_QUOTED = re.compile(r"`(fluxsecrets [^`]+)`")
_BARE = re.compile(r": (fluxsecrets [a-z][^`.,;()]*)$")
_END = re.compile(r" (?:\||>|&&|…|\.\.\.)(?: |$).*")


def texts_of(path):
    """Every string of a module with its line; in f-strings a placeholder stands for what is put in."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    parts = {id(value) for node in nodes if isinstance(node, ast.JoinedStr) for value in node.values}
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(
                    str(value.value) if isinstance(value, ast.Constant) else PLACEHOLDER
                    for value in node.values
                ),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


@cache
def all_texts():
    """Every string of the source: `module:line`, line and text."""
    return [
        (f"{path.relative_to(SOURCE).as_posix()}:{line}", line, text)
        for path in sorted(SOURCE.rglob("*.py"))
        if "dropin" not in path.parts
        for line, text in texts_of(path)
    ]


def all_commands():
    """The commands that strings name; a module's first line says what it is for, not how to call it."""
    return [
        (place, _END.sub("", match[1]))
        for place, line, text in all_texts()
        if line != 1
        for pattern in (_QUOTED, _BARE)
        for match in pattern.finditer(" ".join(text.split()))
    ]


def test_a_command_that_is_named_is_one():
    """All of them in one test: to parse every module while tests are collected takes too long."""
    faults = []
    for place, command in all_commands():
        try:
            check(command)
        except (click.UsageError, ValueError) as error:
            faults.append(f"{place}: {command}: {error}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "command",
    [
        "fluxsecrets recipients sync",
        "fluxsecrets seal",
        "fluxsecrets decrypt --to-stdout a.yaml",
        "fluxsecrets explain",
        "fluxsecrets recipient list",
        "fluxsecrets convert a.yaml --to kubernetes",
    ],
)
def test_the_check_finds_what_is_none(command):
    with pytest.raises(click.UsageError):
        check(command)


def test_the_collector_finds_them():
    found = [command for _, command in all_commands()]
    assert len(found) > 80
    assert "fluxsecrets encrypt FILE" in found


def test_file_stands_for_the_file_that_the_message_is_about():
    """What means another file has another placeholder: FILE is replaced wherever it stands in a command."""
    for place, _, text in all_texts():
        for match in re.finditer(r"`([a-z][^`]* FILE[ `][^`]*)", text):
            word = match[1].split(" ", 1)[0]
            assert word in {"fluxsecrets", "sops", "git", "chmod", "printf", "rm"}, f"{place}: {match[0]}"
