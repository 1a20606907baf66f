"""The progress bar: seen where somebody looks and there is much to do, and gone at the end."""

import io
import sys

import pytest

from fluxsecrets.cli.output import Output
from fluxsecrets.cli.progress import bar, with_progress


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def at_terminal(monkeypatch):
    """Makes standard error a terminal; to be called in the test, as pytest exchanges the stream before."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    def start():
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return start


def test_the_bar_is_drawn_over_itself_and_gone_at_the_end(at_terminal):
    terminal = at_terminal()
    assert list(with_progress(iter(range(100)), 100, "scanning")) == list(range(100))
    first, *drawn, cleared = terminal.getvalue().split("\r")[1:]
    assert first.startswith("scanning ")
    assert len(drawn) == 50
    assert drawn[-1].endswith("100/100")
    assert cleared == "\x1b[K"
    assert all(len(line) == len(first) < 60 for line in drawn)
    assert "\n" not in terminal.getvalue()


def test_the_bar_is_gone_where_the_work_fails_or_is_left(at_terminal):
    terminal = at_terminal()

    def failing():
        yield 1
        raise ValueError("bad item")

    with pytest.raises(ValueError, match="bad item"):
        list(with_progress(failing(), 100, "scanning"))
    assert terminal.getvalue().endswith("\r\x1b[K")
    terminal.truncate(0)
    items = with_progress(iter(range(100)), 100, "scanning")
    next(items)
    items.close()
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("quiet", "looking", "total"), [(True, True, 100), (False, False, 100), (False, True, 39)]
)
def test_nothing_is_drawn_where_nobody_looks_or_there_is_little_to_do(at_terminal, quiet, looking, total):
    terminal = at_terminal()
    terminal.isatty = lambda: looking
    assert list(Output(quiet=quiet).progress(iter(range(total)), total, "scanning")) == list(range(total))
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("columns", [80, 40, 20, 12, 1])
@pytest.mark.parametrize("done", [0, 7, 700, 900])
def test_the_bar_fits_on_the_terminal(at_terminal, columns, done):
    at_terminal()
    assert len(bar("scanning", done, 700, columns)) <= columns - 1
    assert "scanning" in bar("scanning", done, 700, 40)


def test_a_terminal_without_such_letters_and_one_with_colours_get_a_bar_too(at_terminal, monkeypatch):
    terminal = at_terminal()
    terminal.encoding = "latin-1"
    assert bar("scanning", 350, 700, 40) == f"scanning {'#' * 11}{'.' * 11} 350/700"
    terminal.encoding = "utf-8"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert bar("scanning", 350, 700, 40).count("\x1b[") == 3


def test_a_message_replaces_the_bar_which_comes_back_below(at_terminal):
    terminal = at_terminal()
    for number in Output().progress(iter(range(50)), 50, "scanning"):
        if number == 10:
            Output().note("found something")
    assert sys.stderr is terminal
    before, _, after = terminal.getvalue().partition("found something\n")
    assert before.endswith("\r\x1b[K")
    assert after.startswith(("\r\x1b[K", "\rscanning "))


def test_a_dumb_terminal_gets_no_bar(at_terminal, monkeypatch):
    terminal = at_terminal()
    monkeypatch.setenv("TERM", "dumb")
    assert len(list(with_progress(iter(range(100)), 100, "scanning"))) == 100
    assert terminal.getvalue() == ""
