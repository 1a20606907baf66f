import getpass
import subprocess
import sys

import pytest

from fluxsecrets.errors import IdentityError
from fluxsecrets.keys import prompt


def test_the_answer_is_returned(monkeypatch):
    monkeypatch.setattr(prompt, "_has_terminal", lambda: True)
    monkeypatch.setattr(getpass, "getpass", lambda question: f"<{question}>")
    assert prompt.ask_at_terminal("passphrase for x") == "<passphrase for x: >"


@pytest.mark.parametrize("failure", [EOFError(), OSError(5, "x"), getpass.GetPassWarning("echo")])
def test_giving_up_is_an_error(monkeypatch, failure):
    def refuse(_question):
        raise failure

    monkeypatch.setattr(prompt, "_has_terminal", lambda: True)
    monkeypatch.setattr(getpass, "getpass", refuse)
    with pytest.raises(IdentityError, match="no answer was given to: passphrase for x"):
        prompt.ask_at_terminal("passphrase for x")


def test_without_a_terminal_standard_input_is_not_read():
    code = (
        "import sys; from fluxsecrets.keys.prompt import ask_at_terminal\n"
        "try: ask_at_terminal('passphrase for x')\n"
        "except Exception as e: print(type(e).__name__, e, '|', e.hint, '|', sys.stdin.read())"
    )
    options = {"start_new_session": True} if sys.platform != "win32" else {}
    ran = subprocess.run(
        [sys.executable, "-c", code], input="hunter2", capture_output=True, text=True, check=True, **options
    )
    assert ran.stdout.startswith("LockedError there is no terminal to ask for: passphrase for x | run it at")
    assert ran.stdout.endswith("| hunter2\n")
