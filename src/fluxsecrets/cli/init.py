"""`fluxsecrets init`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.options import (
    LoggedOption,
    end_if_asked,
    format_option,
    make_session,
    output_option,
    quiet_option,
    store_option,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import UsageError
from fluxsecrets.shell import file_word

if TYPE_CHECKING:
    from fluxsecrets.ops.init.model import Holder, InitRequest
    from fluxsecrets.ops.init.questions import Questions
    from fluxsecrets.ops.run.session import Session

SKIPPABLE = ("gitignore", "hook", "ci", "baseline")
"""As `ops.init.steps` has them; the help does not wait for the import of the steps."""

FORGES = ("github", "gitlab", "forgejo")
"""As `ops.init.steps.ci` has them."""

_KEYRING_TIMEOUT = 5.0
"""Seconds for a keyring to be found."""


@click.command("init")
@click.option("--name", cls=LoggedOption, metavar="NAME", help="What to call you: keys/NAME.pub.")
@click.option("--identity", cls=LoggedOption, metavar="KEY", help="Which of your identities to use.")
@click.option(
    "--reader",
    "readers",
    cls=LoggedOption,
    multiple=True,
    metavar="WHO",
    help="Who else can read what gets a new rule; a name or a public key; repeatable.",
)
@store_option("Where to keep new identities.")
@output_option("Add new identities to this key file.")
@click.option(
    "--ci", type=click.Choice(FORGES), help="The forge to write a CI job for; default: that of origin."
)
@click.option("--baseline", is_flag=True, help="Accept the findings that encrypting does not fix.")
@click.option("--skip", type=click.Choice(SKIPPABLE), multiple=True, help="Leave out a step; repeatable.")
@click.option("--from-sops", is_flag=True, help="Only show what differs from the use of sops here.")
@click.option("--dry-run", is_flag=True, help="Write nothing; print what would be written as a diff.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--resume", "resuming", is_flag=True, help="Complete what was interrupted.")
@click.option("--abort", "aborting", is_flag=True, help="Take back what was interrupted.")
@format_option
@quiet_option
def command(
    *,
    name: str | None,
    identity: str | None,
    readers: tuple[str, ...],
    store: str,
    output: Path | None,
    ci: str | None,
    baseline: bool,
    skip: tuple[str, ...],
    from_sops: bool,
    dry_run: bool,
    yes: bool,
    resuming: bool,
    aborting: bool,
    report: str,
    quiet: bool,
) -> int:
    """Protect this repository: keys, rules, git hooks and a CI job.

    It looks at what is there, shows what is missing, and writes that once you agree. Environments are found
    by what Flux applies. Keys, rules and files that exist are kept; rules are added at the end of .sops.yaml.
    Each cluster gets an identity of its own, and so do you. Private keys go into your key file, never into
    the repository. No manifest is changed.

    --from-sops changes nothing: it shows what of rules, encrypted files and scripts for sops will differ.

    A second run has nothing to do. Without a terminal, the plan is written with --yes only.

    Exit codes: 0 done, or nothing to do; 1 there is something to do, and nothing was written; 2 an error.
    """
    from fluxsecrets.ops.init.apply import COMMAND, take_back_interrupted
    from fluxsecrets.ops.init.model import InitRequest

    session, out = make_session(), Output(quiet=quiet)
    if from_sops:
        return _show_differences(session, out, report)
    ended = end_if_asked(session, out, COMMAND, resuming=resuming, aborting=aborting, report=report)
    if ended is not None:
        return ended
    if not dry_run and take_back_interrupted(session):
        out.note("note: a run of `fluxsecrets init` was interrupted; it was taken back")
    request = InitRequest(skip, name, identity, readers, store, output, ci, baseline)
    return _run(session, out, request, report, dry_run=dry_run, yes=yes)


def _run(
    session: Session, out: Output, request: InitRequest, report: str, *, dry_run: bool, yes: bool
) -> int:
    from fluxsecrets.ops.init.apply import apply_init
    from fluxsecrets.ops.init.plan import plan_init
    from fluxsecrets.report.init import (
        DONE_FORMATS,
        DRY_RUN_FORMATS,
        LEFT_FORMATS,
        NONE_FORMATS,
        PLAN_FORMATS,
    )

    asks = not yes and not dry_run and report == "text" and _somebody_is_there()
    plan = plan_init(session, request, (lambda open_: _choose(request, open_)) if asks else None)
    if plan.is_empty:
        out.show(NONE_FORMATS[report](plan))
        return 0
    if dry_run:
        out.show(DRY_RUN_FORMATS[report](plan))
        return 0
    if not yes and not asks:
        out.show(LEFT_FORMATS[report](plan))
        out.note("nothing was written; add --yes to write this")
        return 1
    out.show(PLAN_FORMATS[report](plan))
    if yes and plan.claimed:
        raise _unasked(plan.claimed)
    if asks and not click.confirm("write this?", default=True, err=True):
        out.note("nothing was written")
        return 1
    out.show(DONE_FORMATS[report](plan, apply_init(session, plan)))
    return 0


def _unasked(claimed: Sequence[Holder]) -> UsageError:
    """Return the refusal to give access without a question to keys that came with the repository."""
    names = " ".join(f"--reader {file_word(each.name)}" for each in claimed)
    return UsageError(
        "new rules would let keys read that only this repository vouches for",
        details=[f"{each.name}   {each.recipient.id}" for each in claimed],
        hint=f"if they are the clusters' keys, name them: {names}",
    )


def _show_differences(session: Session, out: Output, report: str) -> int:
    from fluxsecrets.ops.init.fromsops import differences
    from fluxsecrets.report.fromsops import FORMATS

    out.show(FORMATS[report](differences(session)))
    return 0


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _choose(request: InitRequest, questions: Questions) -> InitRequest:
    """Ask what the repository does not say."""
    if questions.identities:
        click.echo("you have several identities:", err=True)
        for number, key in enumerate(questions.identities, 1):
            click.echo(f"  {number}. {key.recipient}   {', '.join(key.places)}", err=True)
        number = click.prompt(
            "which one is yours here?", type=click.IntRange(1, len(questions.identities)), default=1, err=True
        )
        request = replace(request, identity=questions.identities[number - 1].recipient)
    if questions.name is not None:
        name = click.prompt("your name, for keys/NAME.pub", default=questions.name or None, err=True)
        request = replace(request, name=name)
    if questions.makes_keys and request.output is None and _has_keyring():
        store = click.prompt(
            "where to keep private keys",
            type=click.Choice(["file", "keyring"]),
            default=request.store,
            err=True,
        )
        request = replace(request, store=store)
    if questions.readers:
        names = ", ".join(questions.readers)
        text = click.prompt(
            f"who else may read all of it ({names}; empty: nobody)", default="", show_default=False, err=True
        )
        request = replace(request, readers=tuple(text.replace(",", " ").split()))
    return request


def _has_keyring() -> bool:
    """Whether this machine has a keyring to choose; it is not opened."""
    from importlib.util import find_spec

    if find_spec("keyring") is None:
        return False
    from fluxsecrets.keys.oskeyring import KeyringError, keyring_name

    try:
        keyring_name(timeout=_KEYRING_TIMEOUT)
    except KeyringError:
        return False
    return True
