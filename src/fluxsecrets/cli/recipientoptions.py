"""Options that name recipients, of every kind of key; names and environment variables are sops's."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from click.core import ParameterSource

from fluxsecrets.cli.headings import HeadedOption
from fluxsecrets.cli.options import Decorator
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.policy.given import GivenRecipients
from fluxsecrets.sops.recipients import KINDS


class _RecipientOption(HeadedOption):
    """An option whose environment variable holds one text with commas, as in sops; blanks don't split it."""

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the variable's text as the one value."""
        text = self.resolve_envvar_value(ctx)
        return None if text is None else (text,)


def recipient_options(what: str, heading: str, *, verb: str = "", parameter: str = "recipients") -> Decorator:
    """Add an option per kind of key. The command gets them as one value, `GivenRecipients`.

    Args:
        what: the help text, with `{keys}`, such as `Encrypt for these {keys}.`
        heading: the options' heading in help.
        verb: starts the options' names: `add` or `rm`. Without it, sops's environment variables count.
        parameter: the command's parameter.
    """

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def call(**given: Any) -> int:
            texts = {kind: given.pop(f"{parameter}_{kind}") for kind in KINDS}
            profile, context = given.get("aws_profile", ""), given.get("encryption_context", "")
            found = GivenRecipients(texts, profile, context, _variables(texts, parameter))
            return function(**given, **{parameter: found})

        for kind, each in reversed(list(KINDS.items())):
            call = click.option(
                f"--{verb}-{each.option}" if verb else f"--{each.option}",
                f"{parameter}_{kind}",
                cls=_RecipientOption,
                heading=heading,
                envvar=None if verb else each.variable,
                multiple=True,
                metavar="KEY[,KEY]",
                help=what.format(keys=each.what),
            )(call)
        return call

    return decorate


def aws_options(heading: str) -> Decorator:
    """Add what AWS keys need besides their ARN, under a heading of `recipient_options`, which is above."""

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def call(*, aws_profile: str, encryption_context: str, **given: Any) -> int:
            named = [each for each in given.values() if isinstance(each, GivenRecipients)]
            if (aws_profile or encryption_context) and not any(each.texts["kms"] for each in named):
                raise UsageError(
                    "--aws-profile and --encryption-context are for AWS keys, and no option names one",
                    hint="name the key as well, with --kms or --add-kms; "
                    "those of creation rules have their own",
                )
            return function(**given)

        call = click.option(
            "--encryption-context",
            cls=HeadedOption,
            heading=heading,
            default="",
            metavar="KEY:VALUE[,…]",
            help="Encryption context for the AWS keys that are named here.",
        )(call)
        return click.option(
            "--aws-profile",
            cls=HeadedOption,
            heading=heading,
            default="",
            metavar="NAME",
            help="AWS profile for the AWS keys that are named here; files keep it.",
        )(call)

    return decorate


def _variables(texts: dict[str, tuple[str, ...]], parameter: str) -> tuple[str, ...]:
    context = click.get_current_context()
    return tuple(
        KINDS[kind].variable
        for kind, given in texts.items()
        if given and context.get_parameter_source(f"{parameter}_{kind}") is ParameterSource.ENVIRONMENT
    )
