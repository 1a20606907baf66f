"""The group of commands, and the one place where errors become exit codes."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import click

from fluxsecrets import __version__
from fluxsecrets.errors import FileAccessError, FluxsecretsError, UsageError
from fluxsecrets.ops.run.logged import Logged
from fluxsecrets.ops.run.results import recording
from fluxsecrets.redaction import without_private_keys

EXIT_CLEAN, EXIT_FINDINGS, EXIT_ERROR = 0, 1, 2
EXIT_INTERRUPTED, EXIT_TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
INTERRUPTED = (EXIT_INTERRUPTED, EXIT_TERMINATED)

_OUTPUT_ERRNOS = frozenset({errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG, errno.EBADF})

COMMANDS = {
    "encrypt": ("encrypt", "Encrypt Secrets in place."),
    "decrypt": ("decrypt", "Print a file decrypted, or decrypt files in place."),
    "edit": ("edit", "Edit an encrypted file, or make a new one."),
    "get": ("values:get", "Print one value of an encrypted file."),
    "set": ("values:set_", "Set one value of an encrypted file."),
    "unset": ("values:unset", "Remove one value of an encrypted file."),
    "status": ("status:status", "Show what is encrypted, and for whom."),
    "explain": ("status:explain", "Show which rule applies to a file and what it would encrypt."),
    "exec-env": ("exec:exec_env", "Run a command with the values in its environment."),
    "exec-file": ("exec:exec_file", "Run a command that reads a decrypted file."),
    "rotate": ("rotate", "Give files new data keys."),
    "recipients": (
        "recipients",
        "See who can read what, and keep files in line with the rules.",
    ),
    "seal": ("seal", "Turn Secrets into SealedSecrets."),
    "unseal": ("unseal", "Print SealedSecrets as Secrets, with the controller's key."),
    "reseal": ("reseal", "Seal SealedSecrets anew: for another certificate or place."),
    "convert": ("convert", "Move Secrets between SOPS, Sealed Secrets and External Secrets."),
    "audit": ("audit", "Find what is wrong with secrets, and who can read what."),
    "verify": ("verify", "Say what Flux would do with each file of an environment."),
    "env": ("env", "See the environments of a repository, and add one."),
    "keys": ("keys", "Make and manage identities."),
    "scan": ("scan", "Find secrets in plain text."),
    "rules": ("rules", "Show what is looked for, and why."),
    "hook": ("hook", "Stop commits that hold secrets in plain text."),
    "log": ("log", "Show what was done with secrets here, and check that record."),
}
"""Name -> (`module` with a click command `command`, or `module:command`; the line that --help shows)."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"fluxsecrets.cli.{module}"), name or "command")
        assert isinstance(command, click.Command)  # noqa: S101 - the table says so
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, and suggest a near one where there is none of that name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            raise UsageError(
                f"there is no command {name!a}",
                hint=f"did you mean `fluxsecrets {near[0]}`?" if near else "see `fluxsecrets --help`",
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 clean, 1 findings or --check would change something, 2 an error.",
)
@click.version_option(__version__, prog_name="fluxsecrets", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback where an error occurs.")
def cli(debug: bool) -> None:
    """Look after every secret in a Flux repository.

    Encrypted for the right people, in files that Flux and sops read as they are.
    """


def run(arguments: Sequence[str]) -> int:
    """Run a command line.

    Args:
        arguments: without the program's name; `--debug` may stand anywhere in them.

    Returns:
        The exit code. Messages have been written; no traceback is, but with --debug.
    """
    arguments, debug = _take_debug(arguments)
    log = Logged()
    failure: BaseException | None = None
    try:
        with _terminable(), recording(None):
            _require_streams()
            # The session's maker starts the log, see `options.make_session`.
            code = cli.main(args=list(arguments), prog_name="fluxsecrets", standalone_mode=False, obj=log)
            sys.stdout.flush()
    except SystemExit as error:
        # click's answer to a broken pipe is exit code 1, which would mean findings
        _drop_output()
        code, failure = EXIT_ERROR, error
    except (Exception, KeyboardInterrupt, _TerminatedError) as error:  # noqa: BLE001 - no traceback reaches a user
        if debug:
            import traceback

            _say(without_private_keys("".join(traceback.format_exception(error)).rstrip("\n")))
        code, failure = report(error), error
    return _end_log(log, code if isinstance(code, int) else EXIT_CLEAN, failure)


def _end_log(log: Logged, code: int, failure: BaseException | None) -> int:
    try:
        log.end(code, failure)
    except FluxsecretsError as error:
        _show(error)
        code = EXIT_ERROR
    for warning in log.warnings:
        _say(f"warning: {warning}")
    return code


def _take_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """Whoever is told to run a command again with --debug adds it at the end."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [text for index, text in enumerate(arguments) if text != "--debug" or index > end]
    return kept, len(kept) < len(arguments)


class _TerminatedError(BaseException):
    """The process was asked to end, so that what is half done is cleaned up on the way out."""


@contextmanager
def _terminable() -> Iterator[None]:
    def terminate(_number: int, _frame: object) -> None:
        raise _TerminatedError

    try:
        before = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not the main thread: whoever runs us there has signals of their own
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _require_streams() -> None:
    for stream, name in ((sys.stdout, "standard output"), (sys.stderr, "standard error")):
        if stream is None:
            raise UsageError(f"{name} is closed", hint="redirect it to /dev/null if you do not want it")


def report(error: BaseException) -> int:
    """Say what went wrong, and give the exit code for it."""
    if isinstance(error, FluxsecretsError):
        _show(error)
        return error.exit_code
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return EXIT_ERROR
    if isinstance(error, click.ClickException):
        _show(_usage_error(error))
        return EXIT_ERROR
    if isinstance(error, KeyboardInterrupt | click.Abort | _TerminatedError):
        _say_interrupted()
        return EXIT_TERMINATED if isinstance(error, _TerminatedError) else EXIT_INTERRUPTED
    if isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_ERRNOS:
        _drop_output()
        if not isinstance(error, BrokenPipeError):  # whoever read our output stopped, such as `head`
            _show(FileAccessError(f"the output could not be written: {os.strerror(error.errno).lower()}"))
    else:
        # Only the kind: the text of an unexpected error may hold a value.
        _say(
            f"error: unexpected {type(error).__name__}; no file was left half-written\n"
            "  hint: run it again with --debug, look over what it shows for secrets, and report it"
        )
    return EXIT_ERROR


def _say_interrupted() -> None:
    from pathlib import Path

    from fluxsecrets.ops.run.writer import refuse_interrupted

    try:
        refuse_interrupted((Path.cwd() / "-",))
    except FluxsecretsError as error:
        _show(error)
    else:
        _say("interrupted; files that were already done stay done, the others are as they were")


def _usage_error(error: click.ClickException) -> UsageError:
    """Click's own message, said as all of ours are."""
    message = without_private_keys(error.format_message().rstrip("."))
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "fluxsecrets"
    hint = f"see `{command} --help`"
    if isinstance(error, click.NoSuchOption):
        message = f"no such option {error.option_name!a}"
        verb = _SOPS_FLAGS.get(error.option_name) if command == "fluxsecrets" else None
        if verb is not None:
            hint = f"`fluxsecrets {verb}` does that; `fluxsecrets-sops` takes sops's own flags"
        elif error.possibilities:
            hint = f"did you mean {error.possibilities[0]}? {hint}"
    return UsageError(message[:1].lower() + message[1:], hint=hint)


_SOPS_FLAGS = {
    **dict.fromkeys(("-e", "--encrypt", "-i", "--in-place"), "encrypt PATH"),
    **dict.fromkeys(("-d", "--decrypt", "--extract"), "decrypt PATH"),
    **dict.fromkeys(("-r", "--rotate", "--add-age", "--rm-age", "--add-pgp", "--rm-pgp"), "rotate PATH"),
    **dict.fromkeys(("-s", "--show-master-keys"), "status PATH"),
    "--set": "set PATH KEY VALUE",
}
"""What sops's flags without a command are called here."""


def _drop_output() -> None:
    """Keep Python from complaining at its end about what could not be written."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"{text}\n")


def _show(error: FluxsecretsError) -> None:
    from fluxsecrets.cli.output import Output

    with suppress(OSError):
        Output().error(error)
