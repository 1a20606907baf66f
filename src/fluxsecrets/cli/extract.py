"""`fluxsecrets extract`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    LoggedArgument,
    LoggedOption,
    PathArgument,
    abort_option,
    config_option,
    document_option,
    dry_run_option,
    end_if_asked,
    for_others_option,
    make_session,
    quiet_option,
    resume_option,
    takes,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.extract.model import ExtractRequest


@click.command("extract")
@click.argument("path", cls=PathArgument, required=False, default="")
@click.argument("keys", cls=LoggedArgument, nargs=-1, metavar="[KEY]...")
@click.option(
    "--secret",
    cls=LoggedOption,
    metavar="NAME",
    help="The name of the Secret; default: the object's name with -values, -env or -secret.",
)
@click.option(
    "--to",
    cls=LoggedOption,
    metavar="FILE",
    help="The Secret's file, new or encrypted; default: one beside PATH that a creation rule matches.",
)
@document_option
@for_others_option
@click.option(
    "--all", "everything", is_flag=True, help="Extract what `scan` reports; PATHs are files and folders."
)
@click.option(
    "--env",
    "environment",
    cls=LoggedOption,
    metavar="NAME",
    help="With --all: the files of an environment.",
)
@click.option(
    "--allow-undecrypted",
    is_flag=True,
    help="Proceed even if a Kustomization would apply the Secret without decrypting it.",
)
@dry_run_option
@resume_option
@abort_option
@config_option
@report_option
@quiet_option
@takes(ExtractRequest)
def command(
    asked: ExtractRequest,
    *,
    resuming: bool,
    aborting: bool,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Move plain values of a manifest into an encrypted Secret.

    PATH is the manifest, and each KEY a value in it, or a map of values. Without a KEY, `extract` lists the
    values that it can move, without showing them.

    In a HelmRelease, the value leaves `spec.values`, and `spec.valuesFrom` names the Secret. A KEY is
    spec.values.auth.password, or auth.password. The values that Helm gets stay the same, with their types.

    The Secret is encrypted from the start, for the recipients of its creation rule. An encrypted Secret
    of that name in the same folder gets the new keys. Kustomization files that list the manifest list the
    Secret, too.

    In a Deployment or another object with containers, KEY is the name of a variable; `valueFrom` names
    the Secret. In a ConfigMap, the objects that read the key change, too. In a values file that a ConfigMap
    is generated from, the HelmRelease merges the Secret over it.

    With --all, every value that `scan` reports moves, if a reference can replace it. The others are
    listed, with the reason.

    Before anything is written, it is checked that Flux applies the same as before. The values stay in
    git's history: change them afterwards.
    """
    from fluxsecrets.ops.extract.extract import COMMAND, extract
    from fluxsecrets.report.extract import FORMATS

    session, out = make_session(config), Output(quiet=quiet)
    ended = end_if_asked(session, out, COMMAND, resuming=resuming, aborting=aborting, report=report)
    if ended is not None:
        return ended
    if asked.everything:
        if asked.secret is not None or asked.to is not None or asked.document is not None:
            raise UsageError(
                "--secret, --to and --document are about one object, and --all takes all",
                hint="leave them out, or name the manifest and its keys",
            )
        from fluxsecrets.ops.extract.everything import extract_all

        done = extract_all(session, asked)
        out.show(FORMATS[report](done))
        return done.exit_code
    if asked.environment is not None:
        raise UsageError("--env chooses what --all extracts", hint="add --all, or leave out --env")
    if not asked.path:
        raise UsageError(
            "name a manifest, and the keys of its values",
            hint="such as: fluxsecrets extract FILE auth.password",
        )
    out.show(FORMATS[report](extract(session, asked)))
    return 0
