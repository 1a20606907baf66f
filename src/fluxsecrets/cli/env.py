"""`fluxsecrets env`."""

from __future__ import annotations

import click

from fluxsecrets.cli.options import format_option, make_session, quiet_option
from fluxsecrets.cli.output import Output


@click.group("env")
def command() -> None:
    """See the environments of a repository, and add one."""


@command.command("list")
@format_option
@quiet_option
def list_(report: str | None, quiet: bool) -> int:
    """Show the environments, with their Kustomizations and Secrets in numbers.

    A Secret is counted by what protects it: sops, sealed, external (its values are elsewhere), cluster (made
    there, in no file) or plain.
    """
    from fluxsecrets.ops.environments import NO_ENVIRONMENT, show_environments
    from fluxsecrets.report.environments import environments_json, list_rows

    session, out = make_session(), Output(quiet=quiet)
    found = show_environments(session)
    if report == "json":
        out.text([environments_json(found)])
        return 0
    out.table(list_rows(found))
    if not found:
        out.note(f"there is no environment; {NO_ENVIRONMENT}")
    for each in found:
        if any(note.warning for note in each.notes):
            out.note(f"to see what is wrong: fluxsecrets env show {each.name}")
    return 0


@command.command("show")
@click.argument("name")
@click.option(
    "--format",
    "report",
    type=click.Choice(["text", "json", "mermaid"]),
    help="How to report; text unless told. mermaid is a chart for Markdown.",
)
@quiet_option
def show(name: str, report: str | None, quiet: bool) -> int:
    """Show what Flux applies in the environment NAME, and how each Secret in it is protected.

    Kustomizations stand below the one that applies them, behind those that they depend on; below each are
    the Secrets that it brings about. No identity is needed, and nothing is asked of a cluster.
    """
    from fluxsecrets.ops.environments import show_environments
    from fluxsecrets.report.environments import environment_json, mermaid, secrets_sentence, tree_rows

    session, out = make_session(), Output(quiet=quiet)
    (found,) = show_environments(session, name)
    if report == "json":
        out.text([environment_json(found)])
    elif report == "mermaid":
        out.text(["```mermaid", *mermaid(found), "```"])
    else:
        out.table(tree_rows(found), outline=True)
        for note in found.notes:
            place = note.path if note.line is None else f"{note.path}:{note.line}"
            if note.warning:
                out.warning(f"warning: {place}: {note.message}")
            else:
                out.note(f"note: {place}: {note.message}")
        out.note(f"{found.name}: {secrets_sentence(found)}")
    return 0
