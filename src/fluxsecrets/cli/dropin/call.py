"""What every command of the drop-in works with: its command line, the run, and where messages go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from fluxsecrets.cli.dropin.arguments import Values
from fluxsecrets.cli.dropin.codes import (
    DUPLICATE_KEY_TYPE,
    GENERIC,
    NO_CONFIG_WORDS,
    NO_FILE_SPECIFIED,
    NO_RULE_WORDS,
    failing_with,
    usage_error,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import ConfigError
from fluxsecrets.ops.run.session import AppliedConfig, Session
from fluxsecrets.records import dataclass
from fluxsecrets.sops.formats import FORMATS, StoresConfig, format_for_path

_DEFAULT_ORDER = ("age", "pgp")


class DropInSession(Session):
    """A run that looks for `.sops.yaml` as sops does: from the working directory upwards."""

    def find_config(self, start: Path, known: dict[str, Path | None] | None = None) -> Path | None:
        """The `.sops.yaml` of the working directory or the nearest one above it, whatever the file."""
        # Plug-ins of editors keep the rules out by `--config /dev/null`, which sops reads as an empty file.
        if self.config_path is not None and str(self.config_path).lower() == os.devnull:
            return None
        return super().find_config(self.cwd, known)

    def no_rule_error(self, path: Path, applied: AppliedConfig | None) -> ConfigError:
        """Why no rule is there for a file, with the words that other tools look for."""
        error = super().no_rule_error(path, applied)
        error.message = f"{NO_CONFIG_WORDS if applied is None else NO_RULE_WORDS}: {error.message}"
        return error


@dataclass(frozen=True, slots=True)
class Call:
    """One command line; `app` has the flags before the command, or all without a command."""

    values: Values
    app: Values
    arguments: tuple[str, ...]
    session: DropInSession
    out: Output

    def warn(self, *texts: str) -> None:
        """Say warnings."""
        for text in texts:
            self.out.warning(f"warning: {text}")

    def warn_of(self, file: str, warnings: Iterable[str]) -> None:
        """Say warnings about a file."""
        self.warn(*(f"{file}: {text}" for text in warnings))

    def first_argument(self) -> str:
        """The file; what stands behind it is not looked at, as with sops.

        Raises:
            UsageError: nothing was named.
        """
        if not self.arguments:
            raise usage_error("no file was named", NO_FILE_SPECIFIED, "put it behind the flags")
        self.warn_of_more()
        return self.arguments[0]

    def warn_of_more(self) -> None:
        """Say that arguments behind the first are not looked at."""
        if len(self.arguments) > 1:
            self.warn("only the first file is taken, and flags have to stand in front of it")

    def order(self) -> tuple[str, ...]:
        """The kinds of keys to try first.

        Raises:
            UsageError: one stands twice.
        """
        text = self.values.text("decryption-order")
        kinds = tuple(text.split(",")) if text else _DEFAULT_ORDER
        if len(set(kinds)) < len(kinds):
            raise usage_error("a kind of key stands twice in --decryption-order", DUPLICATE_KEY_TYPE)
        return kinds

    def check_mac(self) -> bool:
        """Whether the MAC counts; if not, the user is warned."""
        if self.values.on("ignore-mac"):
            self.warn("--ignore-mac: values may have been added, removed or exchanged by somebody")
            return False
        return True

    def stores(self) -> StoresConfig:
        """Indentation, from `--indent` or the configuration.

        Raises:
            ConfigError: the configuration is invalid.
        """
        indent = self.app.number("indent")
        if indent:
            return StoresConfig(indent, indent, indent)
        path = self.session.find_config(self.session.cwd)
        if path is None:
            return StoresConfig()
        with failing_with(GENERIC):
            return self.session.load_config(path).stores

    def input_format(self, name: str) -> str:
        """The name of the input's format; a name that is none counts as not given, as with sops."""
        return _format(self.values.text("input-type"), name)

    def output_format(self, name: str) -> str:
        """The name of the output's format; see `input_format`."""
        return _format(self.values.text("output-type"), name)


def _format(given: str, name: str) -> str:
    return given if given in FORMATS else format_for_path(name)
