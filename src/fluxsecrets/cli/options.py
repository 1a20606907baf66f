"""Options that several commands share, what the log shows of a command line, and the session."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fluxsecrets.cli.commandline import CommandLine, open_session
from fluxsecrets.cli.context import words_of
from fluxsecrets.cli.output import Output, seen_now
from fluxsecrets.cli.parameter import HIDDEN, PATH, SECRET, SHOWN, Parameter
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.logged import Logged
from fluxsecrets.ops.run.session import Session, parse_order
from fluxsecrets.sops.formats import FORMATS

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class LoggedOption(click.Option):
    """An option whose value the log shows.

    The values of other options stay out of it: one that takes a secret can't be logged by accident.
    """


class LoggedArgument(click.Argument):
    """An argument that the log shows; those of other classes stay out of it."""


class PathArgument(click.Argument):
    """The files and folders that a command is about; the log names them."""


class ValueArgument(click.Argument):
    """A secret value, or a command with one in it: a private key is allowed here, and nowhere else."""


FORMAT_NAMES = tuple(FORMATS)
_FORMAT_WORDS = {
    **{name: name for name in FORMAT_NAMES},
    "yml": "yaml",
    "env": "dotenv",
    **dict.fromkeys(("text", "txt", "table", "wide", "name", "sarif", "html"), ""),
    **dict.fromkeys(("jsonpath", "go-template", "custom-columns"), ""),
}
"""What other tools take after `-o`, where it is not a file; with the `--output-type` of that name."""

env_option: Decorator = click.option(
    "--env", "environment", cls=LoggedOption, metavar="NAME", help="All secrets of an environment."
)
all_option: Decorator = click.option(
    "--all", "everything", is_flag=True, help="All encrypted secrets of the repository."
)
format_option: Decorator = click.option(
    "--format",
    "report",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Format of the output.",
)
quiet_option: Decorator = click.option("-q", "--quiet", is_flag=True, help="Print results and errors only.")
shell_option: Decorator = click.option(
    "--shell", is_flag=True, help="Run the command, given as one text, in a shell."
)
for_others_option: Decorator = click.option(
    "--for-others",
    is_flag=True,
    help="Proceed even if none of your identities can decrypt the result and git has no plain copy.",
)
allow_invalid_option: Decorator = click.option(
    "--allow-invalid",
    is_flag=True,
    help="Take Secrets that Kubernetes would refuse, such as one with a number in stringData.",
)
config_option: Decorator = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Use this .sops.yaml, wherever the file is.",
)
input_type_option: Decorator = click.option(
    "--input-type", type=click.Choice(FORMAT_NAMES), help="Format of the input, whatever its name says."
)
filename_option: Decorator = click.option(
    "--filename",
    "--filename-override",
    "filename",
    cls=LoggedOption,
    metavar="NAME",
    help="With -: the file name that rules and format are chosen by.",
)


document_option: Decorator = click.option(
    "--document",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of the YAML document in the file, from 1.",
)
accept_option: Decorator = click.option(
    "--accept-recipients",
    is_flag=True,
    help="Accept recipients or a selector that differ from the rule's.",
)
dry_run_option: Decorator = click.option(
    "--dry-run", is_flag=True, help="Write nothing; show what would happen."
)
resume_option: Decorator = click.option(
    "--resume", "resuming", is_flag=True, help="Complete an interrupted run."
)
abort_option: Decorator = click.option("--abort", "aborting", is_flag=True, help="Undo an interrupted run.")


def takes(*kinds: type) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Hand a command those of its parameters that are fields of classes, one value of each.

    The classes are dataclasses or NamedTuples. Their values come first, in order; other parameters follow by
    name.
    """
    names = {kind: _fields_of(kind) for kind in kinds}

    def decorate(run: Callable[..., int]) -> Callable[..., int]:
        @wraps(run)
        def call(**given: object) -> int:
            values = [
                kind(**{name: given.pop(name) for name in names[kind] if name in given}) for kind in kinds
            ]
            return run(*values, **given)

        return call

    return decorate


def _fields_of(kind: type) -> tuple[str, ...]:
    named: tuple[str, ...] | None = getattr(kind, "_fields", None)  # of a NamedTuple
    return tuple(each.name for each in fields(kind)) if named is None else named


def output_option(what: str, types: Collection[str] = (), *, metavar: str = "FILE") -> Decorator:
    """`-o FILE`; the name of a format is a slip there: `kubectl get -o json` prints."""

    def take(context: click.Context, _parameter: click.Parameter, text: str | None) -> Path | None:
        return None if text is None else output_path(context, text, types)

    return click.option("-o", "--output", cls=LoggedOption, metavar=metavar, callback=take, help=what)


def store_option(what: str) -> Decorator:
    """`--store`: where new identities are kept."""
    stores = click.Choice(["file", "keyring"])
    return click.option("--store", type=stores, default="file", show_default=True, help=what)


def output_path(context: click.Context, text: str, types: Collection[str]) -> Path:
    """Return the file that `-o` names.

    Raises:
        UsageError: it is the name of a format.
    """
    output_type = _FORMAT_WORDS.get(text.partition("=")[0].lower())
    if output_type is not None:
        wanted = f"--output-type {output_type} for the format, or " if output_type in types else ""
        raise UsageError(
            f"-o wants a file, and {text!a} is the name of a format",
            hint=f"give {wanted}-o ./{text} for a file of that name",
        )
    return remember_output(context, Path(text))


def remember_output(context: click.Context, path: Path) -> Path:
    """Return the path of a result after keeping the state of its file, for when the result is written."""
    context.meta.setdefault(_OUTPUTS, {})[path] = seen_now(path)
    return path


def _keep_order(context: click.Context, _parameter: click.Parameter, text: str | None) -> None:
    # For `make_session`, so that no command has to hand it on.
    context.meta[_ORDER] = None if text is None else parse_order(text, "--decryption-order")


_ORDER = "fluxsecrets.decryption-order"
_OUTPUTS = "fluxsecrets.outputs"
order_option: Decorator = click.option(
    "--decryption-order",
    metavar="KIND[,KIND]",
    expose_value=False,
    callback=_keep_order,
    help="Kinds of keys to try first; default: SOPS_DECRYPTION_ORDER, or age,pgp.",
)


def _keep_partial(context: click.Context, _parameter: click.Parameter, given: bool) -> None:
    context.meta[_PARTIAL] = given


def _keep_version(context: click.Context, _parameter: click.Parameter, text: str | None) -> None:
    from fluxsecrets.repo.settings import FLUX_VERSION

    if text is not None and not FLUX_VERSION.fullmatch(text):
        raise UsageError(f"{text[:60]!a} is not a version of Flux", hint="write it as 2.8 or 2.9.1")
    context.meta[_FLUX_VERSION] = None if text is None else text.removeprefix("v")


_FLUX_VERSION = "fluxsecrets.flux-version"
flux_version_option: Decorator = click.option(
    "--flux-version",
    metavar="X.Y",
    expose_value=False,
    callback=_keep_version,
    help="The version of Flux in the cluster; default: what the repository says, or the newest.",
)


_PARTIAL = "fluxsecrets.partial-history"
partial_history_option: Decorator = click.option(
    "--partial-history",
    is_flag=True,
    expose_value=False,
    callback=_keep_partial,
    help="In a shallow clone, use the commits that exist.",
)


def make_session(config: Path | None = None) -> Session:
    """The session of this process, for the command line that click read. See `open_session`.

    Raises:
        ConfigError, FileAccessError, UsageError: see there.
    """
    return open_session(_command_line(), config)


def _command_line() -> CommandLine:
    context = click.get_current_context(silent=True)
    if context is None:
        return CommandLine()
    parameters = tuple(
        Parameter(each.name or "", _role(each), context.params.get(each.name or ""))
        for each in context.command.params
    )
    return CommandLine(
        words_of(context),
        parameters,
        context.find_object(Logged),
        quiet=bool(context.params.get("quiet")),
        order=context.meta.get(_ORDER),
        partial_history=bool(context.meta.get(_PARTIAL)),
        flux_version=context.meta.get(_FLUX_VERSION),
        outputs=context.meta.get(_OUTPUTS),
    )


def _role(parameter: click.Parameter) -> str:
    if isinstance(parameter, ValueArgument):
        return SECRET
    if isinstance(parameter, PathArgument):
        return PATH
    return SHOWN if isinstance(parameter, LoggedOption | LoggedArgument) else HIDDEN


def end_if_asked(
    session: Session, out: Output, name: str, *, resuming: bool, aborting: bool, report: str
) -> int | None:
    """Complete or take back an interrupted run, if --resume or --abort was given.

    Returns:
        The exit code, or None if neither was given: 1 where somebody has to look at files.

    Raises:
        UsageError: nothing was interrupted, or both were given.
    """
    if not resuming and not aborting:
        return None
    if resuming and aborting:
        raise UsageError("--resume and --abort are opposites", hint="give one of them")
    # Of all commands that can be interrupted, as some make identities.
    from fluxsecrets.ops.people.keystore import end_with_identity
    from fluxsecrets.ops.run.journal import Way
    from fluxsecrets.report.recover import OUTCOME_FORMATS

    ended = end_with_identity(session, Way.RESUME if resuming else Way.ABORT, name)
    out.show(OUTCOME_FORMATS[report](ended, session.cwd))
    return 1 if ended.kept else 0
