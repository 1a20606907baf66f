"""Command lines read as sops reads them: Go's `flag` package, and what urfave/cli v1 puts around it.

No short flags in one (`-di`), `-flag` is `--flag`, and the first argument that is not a flag ends the flags;
but a subcommand's own flags are moved to the front first (command.go, `reorderArgs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fluxsecrets.cli.dropin.codes import GENERIC, usage_error
from fluxsecrets.cli.dropin.flags import Flag, Kind
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.records import dataclass, field

Value = str | bool | int | tuple[str, ...]

_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


@dataclass(frozen=True, slots=True)
class Values:
    """The given flags, from the command line or a variable; unknown ones count as not given."""

    given: Mapping[str, Value] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A text, empty unless given."""
        value = self.given.get(name, "")
        return value if isinstance(value, str) else ""

    def on(self, name: str, default: bool = False) -> bool:
        """A switch."""
        return bool(self.given.get(name, default))

    def number(self, name: str) -> int:
        """A number, 0 unless given."""
        value = self.given.get(name, 0)
        return value if isinstance(value, int) else 0

    def many(self, name: str) -> tuple[str, ...]:
        """The texts of a flag that may be given again and again."""
        value = self.given.get(name, ())
        return value if isinstance(value, tuple) else ()


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command line, or what is left of it."""

    values: Values
    arguments: tuple[str, ...]


def parse(
    flags: Sequence[Flag], arguments: Sequence[str], environ: Mapping[str, str], *, reorder: bool
) -> Parsed:
    """Read flags.

    `environ` has the variables of flags. `reorder` moves flags to the front, as urfave/cli does for
    subcommands.

    Raises:
        UsageError: an unknown flag, a value that is missing or wrong, two forms of one flag.
    """
    table = {name: flag for flag in flags for name in flag.names}
    rest = _reordered(table, arguments) if reorder else list(arguments)
    given: dict[str, Value] = {}
    used: dict[str, str] = {}
    while rest and len(rest[0]) > 1 and rest[0].startswith("-"):
        text = rest.pop(0)
        if text == "--":
            break
        name, equals, value = text.removeprefix("-").removeprefix("-").partition("=")
        flag = table.get(name)
        if not name or name.startswith("-"):
            raise _wrong(f"{text!a} is not a flag")
        if flag is None:
            raise _wrong(f"there is no flag -{ascii(name)[1:-1]}")
        if used.setdefault(flag.name, name) != name:
            raise _wrong(f"-{used[flag.name]} and -{name} are two forms of the same flag")
        if not equals and not flag.switch:
            if not rest:
                raise _wrong(f"the flag -{name} needs a value")
            value = rest.pop(0)
        elif not equals:
            value = "true"
        _give(given, flag, value, f"-{name}")
    for flag in flags:
        if flag.name not in given and flag.variable is not None and flag.variable in environ:
            _give_variable(given, flag, environ[flag.variable])
    return Parsed(Values(given), tuple(rest))


def _give(given: dict[str, Value], flag: Flag, value: str, shown: str) -> None:
    if flag.switch:
        if value not in _BOOLEANS:
            raise _wrong(f"{shown} takes true or false, and not {value!a}")
        given[flag.name] = _BOOLEANS[value]
    elif flag.kind is Kind.NUMBER:
        try:
            given[flag.name] = int(value, 0)
        except ValueError:
            raise _wrong(f"{shown} takes a number, and not {value!a}") from None
    elif flag.kind is Kind.LIST:
        before = given.get(flag.name, ())
        given[flag.name] = (*(before if isinstance(before, tuple) else ()), value)
    else:
        given[flag.name] = value


def _give_variable(given: dict[str, Value], flag: Flag, text: str) -> None:
    variable = flag.variable or ""
    if flag.switch:
        if text:
            _give(given, flag, text, variable)
    elif flag.kind is Kind.LIST:
        given[flag.name] = tuple(part.strip() for part in text.split(",") if part.strip())
    else:
        _give(given, flag, text, variable)


def _reordered(table: Mapping[str, Flag], arguments: Sequence[str]) -> list[str]:
    """urfave/cli's order, quirk included: a switch takes the argument behind it along to the front."""
    front: list[str] = []
    back: list[str] = []
    expects_value = False
    for position, text in enumerate(arguments):
        if expects_value and not _is_flag(table, text):
            expects_value = False
            front.append(text)
        elif text == "--":
            back = ["--", *back, *arguments[position + 1 :]]
            break
        elif _is_flag(table, text):
            front.append(text)
            expects_value = "=" not in text
        else:
            back.append(text)
    return front + back


def _is_flag(table: Mapping[str, Flag], text: str) -> bool:
    if text in ("-", "--") or not text.startswith("-"):
        return False
    return text.removeprefix("-").removeprefix("-").partition("=")[0] in table


def _wrong(message: str) -> FluxsecretsError:
    return usage_error(message, GENERIC, "see `sops --help`, and `sops COMMAND --help`")
