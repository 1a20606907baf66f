"""Messages at a terminal, and elsewhere."""

import sys

import pytest

from fluxsecrets.cli.output import Output

WARNING = "warning: .fluxsecrets.yaml:5: nothing is left for this allowance of env-file to allow: remove it"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_long_warning_is_wrapped_at_a_terminal_only(capsys, monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    Output().warning(WARNING)
    lines = capsys.readouterr().err.splitlines()
    assert " ".join(line.strip() for line in lines) == WARNING
    assert len(lines) == (2 if terminal else 1)
    assert all(len(line) <= 60 for line in lines) == terminal
