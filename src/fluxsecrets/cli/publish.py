"""`fluxsecrets publish`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fluxsecrets.cli.options import (
    PathArgument,
    config_option,
    env_option,
    input_type_option,
    make_session,
    order_option,
    quiet_option,
    takes,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.publish.model import Publication, PublishRequest, Uploading
from fluxsecrets.ops.run.results import BatchResult


@click.command("publish")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@click.option("--omit-extensions", is_flag=True, help="Publish names without their last extension.")
@click.option(
    "--accept-recipients",
    is_flag=True,
    help="Publish files that are encrypted for others than their rules say, or protected less.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Upload nothing; show what would happen.")
@click.option("--recursive", is_flag=True, hidden=True, expose_value=False, help="The default for folders.")
@input_type_option
@order_option
@config_option
@report_option
@quiet_option
@takes(PublishRequest)
def command(
    asked: PublishRequest,
    *,
    yes: bool,
    dry_run: bool,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Upload encrypted files to where destination_rules in .sops.yaml say.

    PATH is a file, or a folder with encrypted files. A file is published under its name, a folder's files
    under their paths in it, and those of --env under their paths in the repository.

    Buckets of S3 and Google Cloud Storage get the encrypted file. A rule with recreation_rule encrypts it
    again for that rule's recipients. Vault gets the plain values. A plain file is never published.

    Every file is checked and compared with what is at its destination before anything is uploaded. What is
    the same there stays. Credentials are those of `aws`, `gcloud` and `vault`.

    Without --yes, it asks. After an interruption, run it again: it uploads what is missing.
    """
    from fluxsecrets.ops.publish.publish import plan_publication, would_publish
    from fluxsecrets.report.publish import FORMATS, plan_lines

    session, out = make_session(config), Output(quiet=quiet)
    plan = plan_publication(session, asked)
    if dry_run:
        batch = would_publish(plan)
    else:
        if plan.to_upload and not yes:
            out.plan(plan_lines(plan), "text")  # of any format: it is what the question is about
            _confirm(plan)
        batch = _publish(plan, out)
    out.show(FORMATS[report](batch))
    return 2 if batch.failed else 0


def _publish(plan: Publication, out: Output) -> BatchResult:
    from fluxsecrets.ops.publish.publish import publish
    from fluxsecrets.report.publish import interrupted_lines

    progress = Uploading()
    try:
        return publish(plan, progress)
    except BaseException:
        for line in interrupted_lines(progress):
            out.note(line)
        raise


def _confirm(plan: Publication) -> None:
    """Ask before anything is uploaded.

    Raises:
        UsageError: nobody can be asked, or the answer was no.
    """
    from fluxsecrets.report.publish import question

    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "nothing was published: nobody can be asked", hint="add --yes, or --dry-run to look first"
        )
    if not click.confirm(question(plan), default=False, err=True):
        raise UsageError("nothing was published")
