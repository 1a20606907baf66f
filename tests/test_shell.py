"""A file name in a message is a word that a shell takes for that name, as it is printed."""

import os
import shutil
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fluxsecrets.report.text import printable
from fluxsecrets.shell import command_for, file_word, with_file, with_words, word

SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]
NAMES = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    st.binary(min_size=1).filter(lambda data: b"\0" not in data).map(os.fsdecode),
    st.text("\x1b\n\r\t\x07\x7f\x9b\u202e\u200b\ufeff'\"\\$`!*~-a \udcff", min_size=1),
)


@pytest.fixture(scope="module", params=SHELLS or ["bash"])
def read(request):
    """How a shell reads the words of a line."""
    if not SHELLS:
        pytest.skip("neither bash nor zsh is on PATH: printed words are not run")

    def run(line):
        start = ["--norc", "--noprofile"] if request.param == "bash" else ["-f"]
        command = [request.param, *start, "-c", f"printf '%s\\0' {line}"]
        done = subprocess.run(command, capture_output=True, check=True, stdin=subprocess.DEVNULL)
        return done.stdout.split(b"\0")[:-1]

    return run


@pytest.mark.skipif(os.name == "nt", reason="names there are not bytes")
@given(st.lists(NAMES, min_size=1, max_size=20))
@example(["a\x1b[31mb.yaml", "it's\n.yaml", "-i\x07", "\udcff\udcfe", "caf\xe9\u200b0", "\\n\n", "a b"])
def test_the_printed_word_is_the_name(read, names):
    shown = printable(" ".join(map(file_word, names)))
    assert shown.isprintable()
    expected = [f"./{name}" if name.startswith("-") else name for name in names]
    assert read(shown) == [os.fsencode(each) for each in expected]
    assert read(printable(" ".join(map(word, names)))) == [os.fsencode(each) for each in names]


@pytest.mark.skipif(os.name == "nt", reason="names there are not bytes")
@pytest.mark.parametrize("name", ["a\x1b[31m's.yaml", "a b.yaml", "\\x1b\n.yaml", "a`id`b c's.yaml"])
def test_the_commands_of_hints(read, name):
    shown = [
        command_for("encrypt", [name]),
        with_file("run `fluxsecrets encrypt FILE`", name).removeprefix("run `").removesuffix("`"),
        with_words("run `fluxsecrets encrypt NAME`", {"NAME": word(name)})
        .removeprefix("run `")
        .removesuffix("`"),
    ]
    for each in shown:
        assert "`" not in each  # it would end the command in its message
        assert read(printable(each)) == [b"fluxsecrets", b"encrypt", os.fsencode(name)]


@pytest.mark.skipif(os.name == "nt", reason="names there are not bytes")
@pytest.mark.parametrize("name", ["a FILE b.yaml", "a FILE", " FILE FILE ` FILE"])
def test_a_name_with_the_placeholder_in_it_is_put_in_once(read, name):
    hint = f"run `{command_for('encrypt', [name])}`"
    assert with_file(hint, name) == hint
    once = with_file("run `fluxsecrets encrypt FILE -q`", name)
    assert with_file(once, name) == once
    assert read(once.removeprefix("run `").removesuffix("`"))[2:] == [os.fsencode(name), b"-q"]


def test_what_is_printable_is_quoted_as_ever():
    assert file_word("a/b.yaml") == "a/b.yaml"
    assert file_word("a b.yaml") == "'a b.yaml'"
    assert file_word("-x\n") == "$'./-x\\x0a'"
    assert word("\ud800") == "$'\\xed\\xa0\\x80'"
