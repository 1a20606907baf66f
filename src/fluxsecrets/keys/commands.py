"""Commands that print private keys: split and run without a shell, for a bounded time.

Taken from sops: age/keysource.go, getOutputFromCmd; the splitting from what github.com/google/shlex does.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic

from fluxsecrets.errors import IdentityError
from fluxsecrets.programs import find_program

from .processes import start_program, stop_program

_BLANKS = " \t\r\n"


def split_command(text: str) -> list[str]:
    r"""Split into words: blanks, single and double quotes, `\`, and `#` at the start of a word.

    Raises:
        ValueError: a quote is not closed, or a `\` is the last character; the text is not shown.
    """
    words: list[str] = []
    word: str | None = None
    place = 0
    while place < len(text):
        char = text[place]
        place += 1
        if char in _BLANKS:
            if word is not None:
                words.append(word)
            word = None
        elif char == "#" and word is None:
            end = text.find("\n", place)
            place = len(text) if end < 0 else end
        elif char == "\\":
            if place == len(text):
                raise ValueError("its last character is a backslash")
            word = (word or "") + text[place]
            place += 1
        elif char in "'\"":
            quoted, place = _quoted(text, place, char)
            word = (word or "") + quoted
        else:
            word = (word or "") + char
    return words if word is None else [*words, word]


def _quoted(text: str, place: int, quote: str) -> tuple[str, int]:
    chars: list[str] = []
    while place < len(text):
        char = text[place]
        place += 1
        if char == quote:
            return "".join(chars), place
        if char == "\\" and quote == '"':
            if place == len(text):
                break
            char = text[place]
            place += 1
        chars.append(char)
    raise ValueError("a quote in it is not closed")


def run_key_command(
    command: Sequence[str],
    *,
    name: str,
    environ: Mapping[str, str],
    limit: int,
    timeout: float,
) -> bytes:
    """Run a command and return what it printed; its standard input is empty, its error output not shown.

    Args:
        command: the program and its arguments.
        name: the variable that holds it, for messages.
        environ: its whole environment.
        limit: bytes of output; more is an error.
        timeout: seconds.

    Raises:
        IdentityError: it cannot be run, failed, printed too much, or took too long.
    """
    program = find_program(command[0], environ) if command else None
    if program is None:
        raise IdentityError(f"{name} names a program that is not there", hint=_correct(name))
    try:
        process = start_program([program, *command[1:]], environ, stdin=subprocess.DEVNULL)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a usable command"
    else:
        return _result(process, name, limit, timeout)
    raise IdentityError(f"the command in {name} cannot be run: {reason.lower()}", hint=_correct(name))


def _result(process: subprocess.Popen[bytes], name: str, limit: int, timeout: float) -> bytes:
    end = monotonic() + timeout
    printed: list[bytes] = []
    # Reading may last as long as any child of the command lives; a thread can be left to it.
    reader = threading.Thread(target=_read, args=(process, limit + 1, printed), daemon=True)
    reader.start()
    try:
        reader.join(timeout)
        if not reader.is_alive() and len(printed[0]) <= limit:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - monotonic()))
        code = process.poll()
    finally:
        stop_program(process)
    if printed and len(printed[0]) > limit:
        raise IdentityError(f"the command in {name} printed too much to be keys", hint=_correct(name))
    if code is None or not printed:
        raise IdentityError(f"the command in {name} took longer than {timeout:g} seconds", hint=_run_it(name))
    if code != 0:
        raise IdentityError(f"the command in {name} failed with exit code {code}", hint=_run_it(name))
    return printed[0]


def _read(process: subprocess.Popen[bytes], size: int, printed: list[bytes]) -> None:
    if process.stdout is not None:
        with process.stdout as stream:
            printed.append(stream.read(size))


def _correct(name: str) -> str:
    return f"correct {name}, or unset it"


def _run_it(name: str) -> str:
    return f"run it by itself to see why, or unset {name}"
