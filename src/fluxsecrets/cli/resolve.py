"""`fluxsecrets resolve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.options import (
    LoggedOption,
    PathArgument,
    config_option,
    format_option,
    make_session,
    order_option,
    quiet_option,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import UsageError

if TYPE_CHECKING:
    from fluxsecrets.merging import Place, Side
    from fluxsecrets.ops.files.values import NewValue
    from fluxsecrets.ops.merge.dispute import Dispute, Disputed

_ANSWERS = {
    "o": "[o]urs",
    "t": "[t]heirs",
    "b": "[b]ase",
    "e": "[e]nter a value",
    "s": "[s]how the values",
    "q": "[q]uit",
}


@click.command("resolve")
@click.argument("path", cls=PathArgument)
@click.option("--ours", cls=LoggedOption, multiple=True, metavar="KEY", help="Take our value; repeatable.")
@click.option(
    "--theirs", cls=LoggedOption, multiple=True, metavar="KEY", help="Take their value; repeatable."
)
@click.option(
    "--base", cls=LoggedOption, multiple=True, metavar="KEY", help="Take the old value; repeatable."
)
@click.option("--all-ours", is_flag=True, help="Take our value for all other conflicts.")
@click.option("--all-theirs", is_flag=True, help="Take their value for all other conflicts.")
@click.option("--discard-changes", is_flag=True, help="Discard what was changed in the file by hand.")
@click.option("--add", is_flag=True, help="Stage the file once no conflict is left.")
@order_option
@config_option
@format_option
@quiet_option
def command(
    *,
    path: str,
    ours: tuple[str, ...],
    theirs: tuple[str, ...],
    base: tuple[str, ...],
    all_ours: bool,
    all_theirs: bool,
    discard_changes: bool,
    add: bool,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Resolve the conflicts of an encrypted file or a SealedSecret, value by value.

    Takes both sides from git, checks their MACs, and merges them by key, whatever is in the file: markers of
    the merge driver or of git, a wrong MAC, or one side. Only values that both sides changed are conflicts.
    At a terminal it asks for each, and shows the shapes of the values; elsewhere, give --ours, --theirs or
    --base with KEY, or --all-ours or --all-theirs. KEY may be a map with conflicts in it, and 2:KEY is in the
    second YAML document. A conflict that you resolved in the file counts.

    In a rebase, ours is the branch that your commits are put on, and theirs is your commit.

    Exit codes: 0 no conflict is left, 1 conflicts are left, 2 an error.
    """
    from fluxsecrets.merging import Side
    from fluxsecrets.ops.merge.dispute import open_dispute
    from fluxsecrets.ops.merge.picking import Wanted, pick, unsettled
    from fluxsecrets.ops.merge.resolve import Resolution, Resolved, keep, resolve
    from fluxsecrets.report.resolve import FORMATS, Resolving

    if all_ours and all_theirs:
        raise UsageError("--all-ours and --all-theirs exclude each other", hint="give one of them")
    rest = Side.OURS if all_ours else Side.THEIRS if all_theirs else None
    session, out = make_session(config), Output(quiet=quiet)
    dispute = open_dispute(session, path)
    if dispute is None:
        out.show(FORMATS[report](Resolving(Resolved(path, Resolution.NO_CONFLICT))))
        return 0
    if dispute.complete and not (ours or theirs or base or rest or discard_changes):
        out.show(FORMATS[report](Resolving(keep(dispute, add=add), dispute)))
        return 0
    picks = pick(dispute, Wanted(ours, theirs, base, rest))
    entered: dict[Place, NewValue] = {}
    asks = report == "text" and _somebody_looks() and unsettled(dispute, picks)
    if asks and not _walk(out, dispute, picks, entered):
        out.note(f"{path}: nothing was changed")
        return 1
    resolved = resolve(session, dispute, picks, entered, discard_changes=discard_changes, add=add)
    out.show(FORMATS[report](Resolving(resolved, dispute, picks, frozenset(entered))))
    return 1 if resolved.left else 0


def _walk(out: Output, dispute: Dispute, picks: dict[Place, Side], entered: dict[Place, NewValue]) -> bool:
    """Ask for each conflict, and fill in the answers.

    Returns:
        False if the user quits.
    """
    from fluxsecrets.ops.compare.masking import Masker
    from fluxsecrets.ops.merge.picking import unsettled
    from fluxsecrets.report.resolve import head_page, plain_lines, value_lines

    out.show(head_page(dispute))
    masker = Masker()
    left = unsettled(dispute, picks)
    for number, value in enumerate(left, start=1):
        click.echo("", err=True)
        lines = value_lines(value, masker)
        click.echo(f"{number}/{len(left)}  {next(lines)}", err=True)
        for line in lines:
            click.echo(line, err=True)
        while (answer := _ask(dispute, value)) == "s":
            for line in plain_lines(value):
                click.echo(line, err=True)
        if answer == "q":
            return False
        if answer == "e":
            entered[value.place] = _enter(value)
        else:
            picks[value.place] = _side(answer)
    return True


def _ask(dispute: Dispute, value: Disputed) -> str:
    """Ask what to do. A sealed value can't be shown or entered, and a whole file can't be entered."""
    from fluxsecrets.ops.merge.kinds import Kind

    hidden = "" if value.plain else "s"
    hidden += "e" if dispute.kind is Kind.SEALED or not value.conflict.path else ""
    hidden += "b" if dispute.base_made else ""
    answers = {letter: words for letter, words in _ANSWERS.items() if letter not in hidden}
    question = ", ".join(answers.values())
    answer: str = click.prompt(question, type=click.Choice(list(answers)), show_choices=False, err=True)
    return answer


def _side(answer: str) -> Side:
    from fluxsecrets.merging import Side

    return {"o": Side.OURS, "t": Side.THEIRS, "b": Side.BASE}[answer]


def _enter(value: Disputed) -> NewValue:
    """Ask for a new value: text if a side has text there, else JSON."""
    from fluxsecrets.ops.files.values import NewValue

    text = any(isinstance(data, str | bytes) for data in value.plain.values())
    what = "new value" if text else "new value as JSON"
    answer: str = click.prompt(what, hide_input=True, confirmation_prompt=True, err=True)
    data = answer.encode("utf-8", "surrogateescape")
    return NewValue(data=data) if text else NewValue(json=data)


def _somebody_looks() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
