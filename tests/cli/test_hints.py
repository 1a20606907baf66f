"""Every command that a message, a hint or a help text names is there, and can be run as it is printed."""

import ast
import re
from pathlib import Path

import click
import pytest

from commandlines import PLACEHOLDER, check

SOURCE = Path(__file__).parents[2] / "src" / "fluxsecrets"

_QUOTED = re.compile(r"`(fluxsecrets [^`]+)`")
_BARE = re.compile(r": (fluxsecrets [a-z][^`.,;()]*)$")
_END = re.compile(r" (?:\||>|&&|…|\.\.\.)(?: |$).*")


def texts_of(path):
    """Every string of a module, f-strings with a placeholder in place of what is put in, with its line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    parts = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    for node in ast.walk(tree):
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


def commands_of(path):
    """The commands in a module's strings; the first line says what the module is for, not how to call it."""
    for line, text in texts_of(path):
        if line == 1:
            continue
        flat = " ".join(text.split())
        for pattern in (_QUOTED, _BARE):
            for match in pattern.finditer(flat):
                yield line, _END.sub("", match[1])


def all_commands():
    return [
        pytest.param(command, id=f"{path.relative_to(SOURCE).as_posix()}:{line}:{command}")
        for path in sorted(SOURCE.rglob("*.py"))
        if "dropin" not in path.parts
        for line, command in commands_of(path)
    ]


@pytest.mark.parametrize("command", all_commands())
def test_a_command_that_is_named_is_one(command):
    check(command)


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
    found = [parameter.values[0] for parameter in all_commands()]
    assert len(found) > 80
    assert "fluxsecrets encrypt FILE" in found


def test_file_stands_for_the_file_that_the_message_is_about():
    """What means another file has another placeholder: FILE is replaced wherever it stands in a command."""
    for path in sorted(SOURCE.rglob("*.py")):
        if "dropin" in path.parts:
            continue
        for line, text in texts_of(path):
            for match in re.finditer(r"`([a-z][^`]* FILE[ `][^`]*)", text):
                word = match[1].split(" ", 1)[0]
                assert word in {"fluxsecrets", "sops", "git", "chmod", "printf"}, f"{path}:{line}: {match[0]}"
