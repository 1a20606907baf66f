import os
import shlex
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsecrets.errors import IdentityError
from fluxsecrets.keys.commands import run_key_command, split_command


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\n", []),
        ("one two\tthree\r\nfour", ["one", "two", "three", "four"]),
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("a'b'\"c\"d", ["abcd"]),
        ("'' \"\"", ["", ""]),
        (r"a\ b \'c", ["a b", "'c"]),
        (r'"a\"b\n" ' + r"'c\d'", ['a"bn', r"c\d"]),
        ("a #comment\nb", ["a", "b"]),
        ("a#b 'c'#d", ["a#b", "c#d"]),
        ("# only", []),
        ("sh -c 'echo $HOME; ls | cat'", ["sh", "-c", "echo $HOME; ls | cat"]),
    ],
)
def test_commands_are_split_as_sops_does(text, words):
    assert split_command(text) == words


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a \\", '"a\\'])
def test_an_open_quote_is_refused(text):
    with pytest.raises(ValueError, match=r"quote|backslash"):
        split_command(text)


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10)))
def test_quoted_words_come_back(words):
    assert split_command(shlex.join(words)) == words


def run(code, *, limit=1000, timeout=20.0, **more):
    return run_key_command(
        [sys.executable, "-I", "-c", code],
        name="THE_VARIABLE",
        environ={**os.environ, **more},
        limit=limit,
        timeout=timeout,
    )


def test_output_is_returned_and_the_environment_is_given():
    code = "import os, sys; print(os.environ['SOPS_AGE_RECIPIENT'], repr(sys.stdin.read()))"
    assert run(code, SOPS_AGE_RECIPIENT="age1x").split() == [b"age1x", b"''"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.stderr.write('hunter2'); print('hunter2'); sys.exit(3)", "failed with exit code 3"),
        ("print('hunter2' * 1000)", "printed too much"),
    ],
)
def test_failures_are_said_without_what_was_printed(hidden, code, message):
    with pytest.raises(IdentityError, match=f"THE_VARIABLE {message}") as caught:
        run(code)
    hidden(caught.value, "hunter2")
    assert caught.value.hint


@pytest.mark.parametrize(
    "code",
    [
        "import time; print('hunter2', flush=True); time.sleep(60)",
        "import os, time; os.close(1); time.sleep(60)",
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(8)'])",
    ],
)
def test_a_command_that_takes_too_long_is_ended(code):
    with pytest.raises(IdentityError, match=r"longer than 0\.5 seconds"):
        run(code, timeout=0.5)


def test_a_program_that_is_not_there_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "here").write_text("#!/bin/sh\n")
    (tmp_path / "here").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for command in (["no-such-program-at-all"], [], ["here"], [str(tmp_path / "gone")], [str(tmp_path)]):
        with pytest.raises(IdentityError, match=r"not there|cannot be run") as caught:
            run_key_command(command, name="V", environ={"PATH": f".{os.pathsep}"}, limit=9, timeout=20.0)
        assert "V" in str(caught.value)
