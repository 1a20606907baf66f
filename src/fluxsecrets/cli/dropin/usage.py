"""What `--help` and `--version` print."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets import __version__
from fluxsecrets.cli.dropin.arguments import Values
from fluxsecrets.cli.dropin.commands import APP_FLAGS, COMMANDS, Command
from fluxsecrets.cli.dropin.flags import Flag
from fluxsecrets.sops.metadata import VERSION


def version_lines(app: Values) -> Iterator[str]:
    """The version, the way sops says it: its name and number first."""
    yield f"sops {VERSION}"
    if not app.on("disable-version-check") or app.on("check-for-updates"):
        yield ""
        yield f"[info] this is fluxsecrets-sops {__version__}, which looks for no newer version of anything"


def app_lines() -> Iterator[str]:
    """Help on the whole."""
    yield "sops [FLAGS] FILE"
    yield "sops [FLAGS] COMMAND [FLAGS] ..."
    yield ""
    yield f"fluxsecrets-sops {__version__}: takes the command line of sops {VERSION}."
    yield "Without a command and without -d, -e, -r or --set it edits FILE. Flags stand in front of FILE."
    yield ""
    yield "Commands:"
    width = max(map(len, COMMANDS))
    yield from (f"  {name:{width}}  {command.help}" for name, command in COMMANDS.items())
    yield from _flag_lines(APP_FLAGS)


def command_lines(name: str, command: Command) -> Iterator[str]:
    """Help on one command."""
    flags = " [FLAGS]" if command.flags else ""
    yield f"sops {name}{flags} {command.arguments}".rstrip()
    yield ""
    yield f"{command.help}"
    yield from _flag_lines(command.flags)


def parent_lines(name: str, commands: dict[str, Command]) -> Iterator[str]:
    """Help on a command that has commands of its own."""
    yield f"sops {name} COMMAND [FLAGS] ..."
    yield ""
    yield "Commands:"
    width = max(map(len, commands))
    yield from (f"  {name:{width}}  {command.help}" for name, command in commands.items())


def _flag_lines(flags: tuple[Flag, ...]) -> Iterator[str]:
    if not flags:
        return
    yield ""
    yield "Flags:"
    shown = [(_form(flag), flag) for flag in flags]
    width = max(len(form) for form, _ in shown)
    for form, flag in shown:
        variable = f" [${flag.variable}]" if flag.variable else ""
        yield f"  {form:{width}}  {flag.help}{variable}"


def _form(flag: Flag) -> str:
    value = "" if flag.switch else " value"
    short = f", -{flag.short}" if flag.short else ""
    return f"--{flag.name}{short}{value}"
