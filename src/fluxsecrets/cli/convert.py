"""`fluxsecrets convert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.options import (
    PathArgument,
    abort_option,
    config_option,
    end_if_asked,
    env_option,
    for_others_option,
    format_option,
    make_session,
    quiet_option,
    resume_option,
)
from fluxsecrets.cli.output import (
    Output,
    say_plain,
)
from fluxsecrets.cli.sealing import (
    cert_option,
    comments_option,
    private_key_option,
    scope_option,
    show_certificate,
)
from fluxsecrets.errors import UsageError

if TYPE_CHECKING:
    from fluxsecrets.ops.convert.convert import Converter
    from fluxsecrets.ops.manifests.manifestfiles import ManifestFiles
    from fluxsecrets.ops.run.results import FileResult
    from fluxsecrets.ops.run.session import Session
    from fluxsecrets.ops.sealing.certificates import NamedCertificate

FORMS = ("sops", "sealed", "external", "plain")


@click.command("convert")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@click.option("--all", "everything", is_flag=True, help="The whole repository.")
@click.option("--to", "form", type=click.Choice(FORMS), help="What the Secrets become.")
@cert_option
@scope_option
@private_key_option
@click.option("--store", metavar="NAME", help="To external: the store.")
@click.option(
    "--store-kind",
    type=click.Choice(["ClusterSecretStore", "SecretStore"]),
    default="ClusterSecretStore",
    help="Its kind; ClusterSecretStore unless told.",
)
@click.option(
    "--key-template",
    metavar="TEXT",
    default="{namespace}/{name}",
    help="To external: the key in the store; {namespace}/{name} unless told, {environment} is known too.",
)
@click.option("--refresh", metavar="TIME", default="1h", help="To external: how often it is looked up; 1h.")
@click.option("--push", is_flag=True, help="To external: put the values into the store first.")
@click.option("--overwrite", is_flag=True, help="With --push: also where other values are there.")
@click.option(
    "--provider", type=click.Choice(["vault", "aws"]), help="The kind of the store, if no manifest says it."
)
@click.option("--mount", metavar="PATH", help="Vault: the mount of KV version 2, if no manifest says it.")
@click.option("--region", metavar="NAME", help="AWS: the region, if no manifest says it.")
@comments_option
@click.option("--plain-others", is_flag=True, help="What SOPS encrypts beside Secrets may become plain text.")
@click.option("--keep-names", is_flag=True, help="Do not rename files such as db.sops.yaml.")
@click.option(
    "--decryption-secret",
    metavar="NAME",
    help="To SOPS: the Secret with the cluster's key.",
)
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would happen.")
@for_others_option
@resume_option
@abort_option
@config_option
@format_option
@quiet_option
def command(
    *,
    paths: tuple[str, ...],
    environment: str | None,
    everything: bool,
    form: str | None,
    cert: Path | None,
    private_keys: tuple[Path, ...],
    comments: str,
    dry_run: bool,
    resuming: bool,
    aborting: bool,
    config: Path | None,
    report: str,
    quiet: bool,
    **how: object,
) -> int:
    """Move Secrets between SOPS, Sealed Secrets, External Secrets and plain text, in place.

    In any direction for which the keys are at hand: age or PGP identities for SOPS, --private-key for
    SealedSecrets, VAULT_ADDR and VAULT_TOKEN or AWS's own variables for stores. Metadata, comments and order
    stay. Files whose names say what is in them are renamed, and the kustomization files with them; Flux
    Kustomizations get `decryption` where SOPS needs it.

    All is prepared before the first file is changed. With --push the store is written first, and what would
    be overwritten there is shown and refused without --overwrite.
    """
    from fluxsecrets.ops.convert.convert import as_plan
    from fluxsecrets.ops.manifests.manifestfiles import ANY_KIND, find_manifests
    from fluxsecrets.ops.run.results import BatchResult
    from fluxsecrets.ops.run.writer import refuse_interrupted
    from fluxsecrets.report.moved import FORMATS

    session, out = make_session(config), Output(quiet=quiet)
    if end_if_asked(session, out, "convert", resuming=resuming, aborting=aborting):
        return 0
    if form is None:
        raise UsageError("say what the Secrets become", hint=f"--to is one of {', '.join(FORMS)}")
    files = find_manifests(session, paths, environment, ANY_KIND, everything=everything)
    refuse_interrupted((files.tree.root / "-",))
    certificate = _certificate(session, out, files, cert, environment) if form == "sealed" else None
    converter = _converter(session, files, form, certificate, private_keys, comments, environment, how)
    conversion = converter.prepare()
    for planned in conversion.pushes:
        out.note(f"{'would push to' if dry_run else 'pushing to'} {planned.described()}")
    results = conversion.results
    if dry_run:
        results = as_plan(results)
    else:
        converter.carry_out(conversion)
    batch = BatchResult((*files.failed, *results), (*files.notes, *conversion.notes))
    out.show(FORMATS[report]("convert", batch))
    written = [_written(each) for each in results if each.outcome == "converted"]
    if form == "plain" and not dry_run and written:
        few = environment is None and not everything and len(written) <= _FEW
        say_plain(out, written if few else paths, environment)
    return 2 if batch.failed else 0


_FEW = 8
"""Files that are named one by one in a message."""


def _written(result: FileResult) -> str:
    """Where a converted file is now."""
    renamed = getattr(result, "renamed", None)
    return result.path if renamed is None else str(Path(result.path).with_name(renamed))


def _certificate(
    session: Session, out: Output, files: ManifestFiles, cert: Path | None, environment: str | None
) -> NamedCertificate:
    from fluxsecrets.ops.sealing.certificates import certificate_for

    found = certificate_for(session, files.tree, cert=cert, environment=environment, files=files.paths)
    show_certificate(out, found)
    return found


def _converter(
    session: Session,
    files: ManifestFiles,
    form: str,
    certificate: NamedCertificate | None,
    private_keys: tuple[Path, ...],
    comments: str,
    environment: str | None,
    how: dict[str, object],
) -> Converter:
    from functools import cache

    from fluxsecrets.external.model import Reference
    from fluxsecrets.ops.convert.content import Ways
    from fluxsecrets.ops.convert.convert import Converter, ConvertOptions
    from fluxsecrets.ops.convert.forms import Form
    from fluxsecrets.ops.convert.remote import StoreOptions, Stores
    from fluxsecrets.ops.manifests.comments import CommentMode
    from fluxsecrets.ops.manifests.placement import read_placement
    from fluxsecrets.ops.sealing.certificates import environments_with
    from fluxsecrets.ops.sealing.keyfiles import load_keys
    from fluxsecrets.sealed.keys import any_opens
    from fluxsecrets.sealed.scopes import Scope

    store = how["store"]
    if form == "external" and not store:
        raise UsageError("--to external wants a store", hint="name it with --store NAME")
    options = ConvertOptions(
        Form(form),
        certificate.certificate if certificate is not None else None,
        Scope(str(how["scope"])) if how["scope"] else None,
        Reference(str(how["store_kind"]), str(store)) if store else None,
        str(how["key_template"]),
        str(how["refresh"]),
        bool(how["push"]),
        bool(how["overwrite"]),
        CommentMode(comments),
        bool(how["plain_others"]),
        bool(how["keep_names"]),
        str(how["decryption_secret"]) if how["decryption_secret"] else None,
        environment,
        bool(how["for_others"]),
        certificate is not None
        and any_opens(load_keys(session, private_keys, required=False), certificate.certificate.key),
    )
    texts = {name: str(how[name]) if how[name] else None for name in ("provider", "mount", "region")}
    stores = Stores(session.environ, files.tree, StoreOptions(**texts))
    ways = Ways(cache(lambda: load_keys(session, private_keys)), stores.open)
    placement = read_placement(files.tree)
    allowed = environments_with(session, files.tree, certificate) if certificate is not None else frozenset()
    return Converter(session, files, options, ways, stores, placement, allowed)
