"""Find the user's editor like sops, and run it without a shell."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.errors import UsageError
from fluxsecrets.keys.commands import split_command
from fluxsecrets.programs import child_environment, find_program

_VARIABLES = ("SOPS_EDITOR", "EDITOR")
_USUAL = ("vim", "nano", "vi") if sys.platform != "win32" else ("notepad",)
_GRACE = 5  # seconds that the editor has to end when this process is ended


@dataclass(frozen=True, slots=True)
class Editor:
    """An editor's command.

    Attributes:
        command: the program and its arguments; the file's path is added.
    """

    command: tuple[str, ...]
    origin: str


def find_editor(environ: Mapping[str, str]) -> Editor:
    """Return `$SOPS_EDITOR`, `$EDITOR`, or the first of vim, nano and vi (sops: cmd/sops/edit.go).

    Args:
        environ: the environment; a command in it is split into words like in a shell.

    Raises:
        UsageError: no editor was found, or the command can't be split or found.
    """
    for variable in _VARIABLES:
        text = environ.get(variable, "")
        if not text:
            continue
        try:
            words = split_command(text)
        except ValueError as error:
            raise UsageError(
                f"${variable} is not a command: {error}", hint=f"correct {variable}, such as `code --wait`"
            ) from None
        program = find_program(words[0], environ) if words else None
        if program is None:
            raise UsageError(
                f"${variable} names a program that was not found",
                hint=f"correct {variable}, or unset it to use {', '.join(_USUAL)}",
            )
        return Editor((program, *words[1:]), variable)
    for name in _USUAL:
        program = find_program(name, environ)
        if program is not None:
            return Editor((program,), name)
    raise UsageError(
        f"no editor was found: neither $SOPS_EDITOR nor $EDITOR is set, and there is no {', '.join(_USUAL)}",
        hint="set EDITOR to your editor's command, such as `export EDITOR=nano`",
    )


def run_editor(editor: Editor, path: Path, environ: Mapping[str, str]) -> None:
    """Open a file and wait until the editor has ended.

    At a terminal, the editor handles an interrupt from the keyboard. Any other signal that ends this process
    ends the editor first, so that the file can be cleaned up.

    Args:
        editor: from `find_editor`.
        path: the file.
        environ: the editor's environment, from which private keys are removed.

    Raises:
        UsageError: the editor could not be started, or failed.
        KeyboardInterrupt: an interrupt ended it.
    """
    try:
        process = subprocess.Popen([*editor.command, str(path)], env=child_environment(environ))  # noqa: S603
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a usable command"
        raise UsageError(
            f"the editor ({editor.origin}) cannot be run: {reason.lower()}", hint=f"correct {editor.origin}"
        ) from None
    try:
        with _interrupts_are_the_editors():
            code = process.wait()
    except BaseException:
        _stop(process)
        raise
    if code == -signal.SIGINT:
        raise KeyboardInterrupt
    if code != 0:
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        raise UsageError(
            f"the editor ({editor.origin}) {how}, so nothing was changed",
            hint="some editors run in the background: add an option to make them wait, such as `code --wait`",
        )


@contextmanager
def _interrupts_are_the_editors() -> Iterator[None]:
    if sys.stdin is None or not sys.stdin.isatty():
        yield
        return
    try:
        # A handler, since the editor would inherit SIG_IGN.
        before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
        return
    process.kill()
    process.wait()
