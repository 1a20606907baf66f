"""Where colours are, and where not."""

import io

import pytest

from fluxsecrets.cli.terminal import colourful

SETTINGS = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM")


class Stream(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize(
    ("given", "at_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": ""}, True, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR_FORCE": "0"}, True, False),
        ({"FORCE_COLOR": "3", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_colours_are_where_the_terminal_or_the_user_wants_them(given, at_terminal, elsewhere, monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    assert colourful(Stream(terminal=True)) is at_terminal
    assert colourful(Stream(terminal=False)) is elsewhere
    assert colourful(None) is elsewhere


def test_forced_colours_reach_a_pipe_and_leave_the_words_as_they_are(encrypted, cli, monkeypatch):
    plain = cli("status", "secret.yaml").stdout
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = cli("status", "secret.yaml").stdout
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
    assert cli("status", "missing.yaml").stderr.startswith("\x1b[31m\x1b[1merror:\x1b[0m ")
    assert "\x1b" not in cli("status", "secret.yaml", "--format", "json").stdout
