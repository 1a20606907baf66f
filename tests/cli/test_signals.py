"""`cli.signals`: a signal ends a run in order, with its own exit code, and cleaning up is not cut off."""

import os
import signal
import sys

import pytest

from fluxsecrets.cli.dispatch import guarded
from fluxsecrets.cli.signals import ENDING, TerminatedError, terminable

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process can't send itself such signals there")


@pytest.fixture(autouse=True)
def _by_default():
    """The signals end a process here, whatever started the tests ignores."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_the_exit_code_names_the_signal(number, cli, capsys):
    cleaned = []

    def work():
        try:
            signal.raise_signal(number)
        finally:
            cleaned.append(True)

    assert guarded(work)[0] == 128 + number
    assert cleaned
    assert "interrupted" in capsys.readouterr().err
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_signal_while_click_is_imported_is_reported(monkeypatch, capsys):
    # What Python leaves of an import that is cut off: the modules that were complete, but not the package.
    import click.exceptions

    monkeypatch.delitem(sys.modules, "click")
    monkeypatch.setitem(sys.modules, "click.exceptions", click.exceptions)
    assert guarded(lambda: signal.raise_signal(signal.SIGTERM))[0] == 128 + signal.SIGTERM
    assert "interrupted" in capsys.readouterr().err


def test_signals_that_follow_do_not_cut_off_the_cleaning_up():
    cleaned = []

    def work():
        try:
            signal.raise_signal(signal.SIGHUP)
        finally:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)
            cleaned.append(True)

    with pytest.raises(TerminatedError) as caught, terminable():
        work()
    assert cleaned
    assert caught.value.exit_code == 128 + signal.SIGHUP


def test_a_signal_that_was_swallowed_does_not_disarm_the_next(monkeypatch):
    times = iter((100.0, 200.0))
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    with terminable():
        for _ in range(2):
            with pytest.raises(TerminatedError):
                signal.raise_signal(signal.SIGTERM)


def test_what_the_caller_ignores_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with terminable():
        signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
