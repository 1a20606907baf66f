"""`cli.signals`: a signal ends a run in order, with its own exit code, and cleaning up is not cut off."""

import os
import signal
import sys
import threading

import pytest

from fluxsecrets.cli import entry
from fluxsecrets.cli.dispatch import guarded
from fluxsecrets.cli.dropin import entry as dropin_entry
from fluxsecrets.cli.signals import ENDING, TerminatedError, terminable
from fluxsecrets.files.undisturbed import held, undisturbed

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


@pytest.fixture
def _other_thread():
    """A thread that takes the signals which the main one blocks, as those beside git do."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    yield
    done.set()
    thread.join()


@pytest.mark.usefixtures("_other_thread")
@pytest.mark.parametrize("step", [undisturbed, held])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_a_step_is_done_before_a_signal_ends_the_run(step, number):
    done = None
    expected = KeyboardInterrupt if number == signal.SIGINT else TerminatedError
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with terminable(), pytest.raises(expected):  # noqa: PT012
        with step():
            os.kill(os.getpid(), number)
            for each in range(10_000):  # Python calls handlers between its steps
                done = each
        done = None
    assert done == 9_999


def test_a_process_that_was_forked_in_a_step_ends_by_a_signal():
    with terminable():
        with held():
            process = os.fork()
            if process == 0:
                try:
                    signal.raise_signal(signal.SIGTERM)
                except TerminatedError:
                    os._exit(7)
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 7


@pytest.mark.parametrize("program", [entry, dropin_entry])
def test_ctrl_c_before_all_is_loaded_shows_no_traceback(program, monkeypatch, capfd):
    def interrupted(*_):
        raise KeyboardInterrupt

    codes = []
    monkeypatch.setattr(program, "ask", interrupted)
    monkeypatch.setattr(program, "end", codes.append)
    program.main()
    assert codes == [130]
    assert capfd.readouterr().err == "error: interrupted\n"
