"""Every command that a message, a hint or a help text names is there, and can be run as it is printed."""

import os
import re
import shutil
import subprocess

import click
import pytest

import sourcetexts
from commandlines import check

_QUOTED = re.compile(r"`(fluxsecrets [^`]+)`")
_BARE = re.compile(r": (fluxsecrets [a-z][^`.,;()]*)$")
_END = re.compile(r" (?:\||>|&&|…|\.\.\.)(?: |$).*")


def all_texts():
    """Every string of the source but for the drop-in's, which has sops's commands."""
    return [each for each in sourcetexts.all_texts() if "dropin" not in each.module.split("/")]


def all_commands():
    """The commands that strings name; a module's first line says what it is for, not how to call it."""
    return [
        (each.place, _END.sub("", match[1]))
        for each in all_texts()
        if each.line != 1
        for pattern in (_QUOTED, _BARE)
        for match in pattern.finditer(" ".join(each.text.split()))
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
    for each in all_texts():
        for match in re.finditer(r"`([a-z][^`]* FILE[ `][^`]*)", each.text):
            word = match[1].split(" ", 1)[0]
            assert word in {"fluxsecrets", "sops", "git", "chmod", "printf", "rm"}, (
                f"{each.place}: {match[0]}"
            )


@pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="bash is not on PATH")
@pytest.mark.parametrize("name", ["a\x1b[31m's.yaml", "-i\n.yaml", "a b.yaml", "a`b.yaml"])
def test_a_hint_names_a_file_with_odd_characters_as_a_shell_reads_it(folder, cli, name):
    folder.write(name)
    path = f"./{name}"
    assert cli("encrypt", path).exit_code == 0
    said = cli("decrypt", "-i", path).stderr
    (command,) = re.findall(r"`fluxsecrets (encrypt [^`]+)`", said)
    read = subprocess.run(
        ["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True
    ).stdout.split("\0")[:-1]
    assert cli(*read).exit_code == 0
    assert b"ENC[AES256_GCM" in folder.read(name)
