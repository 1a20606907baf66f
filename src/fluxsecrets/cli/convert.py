"""`fluxsecrets convert`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    PathArgument,
    abort_option,
    config_option,
    dry_run_option,
    end_if_asked,
    env_option,
    for_others_option,
    make_session,
    quiet_option,
    resume_option,
    takes,
)
from fluxsecrets.cli.output import Output, say_plain
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.cli.sealing import cert_option, comments_option, private_key_option, scope_option
from fluxsecrets.external.stores import STORES
from fluxsecrets.ops.convert.convert import ConvertRequest, convert
from fluxsecrets.ops.run.results import FileResult, MovedResult, Outcome
from fluxsecrets.report.moved import FORMATS

FORMS = ("sops", "sealed", "external", "plain")
_FEW = 8
"""Files that a message names one by one."""


@click.command("convert")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@click.option("--all", "everything", is_flag=True, help="The whole repository.")
@click.option("--to", "form", type=click.Choice(FORMS), help="What to convert the Secrets to.")
@cert_option
@scope_option
@private_key_option
@click.option("--store", metavar="NAME", help="To external: name of the store.")
@click.option(
    "--store-kind",
    type=click.Choice(["ClusterSecretStore", "SecretStore"]),
    default="ClusterSecretStore",
    show_default=True,
    help="To external: the store's kind.",
)
@click.option(
    "--key-template",
    metavar="TEXT",
    help="To external: the key in the store, of {namespace}, {name} and {environment}; {key} where a store "
    "holds single values (default: what fits the store, such as '{namespace}/{name}').",
)
@click.option(
    "--refresh", metavar="TIME", default="1h", show_default=True, help="To external: the refresh interval."
)
@click.option("--push", is_flag=True, help="To external: write the values to the store first.")
@click.option("--overwrite", is_flag=True, help="With --push: replace different values in the store.")
@click.option(
    "--provider", type=click.Choice(list(STORES)), help="Kind of the store, if no manifest defines it."
)
@click.option(
    "--mount", metavar="PATH", help="Vault, OpenBao: mount of KV version 2, if no manifest defines it."
)
@click.option("--region", metavar="NAME", help="AWS, GCP: region, if no manifest defines it.")
@click.option("--project", metavar="NAME", help="GCP: project, if no manifest defines it.")
@click.option(
    "--vault", metavar="NAME", help="Azure, 1Password: vault, if no manifest defines it; Azure takes its URL."
)
@comments_option
@click.option("--plain-others", is_flag=True, help="Allow objects other than Secrets to become plain text.")
@click.option("--keep-names", is_flag=True, help="Do not rename files such as db.sops.yaml.")
@click.option(
    "--decryption-secret",
    metavar="NAME",
    help="To SOPS: name of the Secret with the cluster's key.",
)
@dry_run_option
@for_others_option
@resume_option
@abort_option
@config_option
@report_option
@quiet_option
@takes(ConvertRequest)
def command(
    asked: ConvertRequest,
    *,
    resuming: bool,
    aborting: bool,
    config: Path | None,
    report: str,
    quiet: bool,
) -> int:
    """Move Secrets between SOPS, Sealed Secrets, External Secrets and plain text, in place.

    Converts in every direction that you have keys for: identities for SOPS, --private-key for
    SealedSecrets, and for a store your own credentials, such as VAULT_ADDR and VAULT_TOKEN. For some stores
    it writes manifests only, and lists the keys to create. Metadata, comments and order stay. Files with
    telling names such as db.sops.yaml are renamed, also in kustomization files; Flux Kustomizations get
    `decryption` if SOPS needs it.

    Everything is prepared before the first file changes. --push writes the store first; without --overwrite
    it refuses to change values there, and lists them.
    """
    session, out = make_session(config), Output(quiet=quiet)
    ended = end_if_asked(session, out, "convert", resuming=resuming, aborting=aborting, report=report)
    if ended is not None:
        return ended
    batch = convert(session, asked)
    out.show(FORMATS[report]("convert", batch))
    written = [_path_now(each) for each in batch.files if each.outcome is Outcome.CONVERTED]
    if asked.form == "plain" and written:
        few = asked.environment is None and not asked.everything and len(written) <= _FEW
        say_plain(out, written if few else asked.paths, asked.environment)
    return 2 if batch.failed else 0


def _path_now(result: FileResult) -> str:
    renamed = result.renamed if isinstance(result, MovedResult) else None
    return result.path if renamed is None else str(Path(result.path).with_name(renamed))
