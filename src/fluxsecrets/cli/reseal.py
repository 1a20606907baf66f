"""`fluxsecrets reseal`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import (
    LoggedOption,
    PathArgument,
    abort_option,
    end_if_asked,
    env_option,
    format_option,
    make_session,
    quiet_option,
    resume_option,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.sealing import (
    cert_option,
    private_key_option,
    scope_option,
    show_certificate,
)


@click.command("reseal")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@click.option("--all", "everything", is_flag=True, help="All SealedSecrets of the repository.")
@cert_option
@private_key_option
@scope_option
@click.option(
    "--name", cls=LoggedOption, metavar="NAME", help="Give the one SealedSecret in a file this name."
)
@click.option("--namespace", "-n", metavar="NAME", help="Move SealedSecrets to this namespace.")
@click.option("--renew", is_flag=True, help="Also what is sealed for this certificate already.")
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would happen.")
@resume_option
@abort_option
@format_option
@quiet_option
def command(
    *,
    paths: tuple[str, ...],
    environment: str | None,
    everything: bool,
    cert: Path | None,
    private_keys: tuple[Path, ...],
    scope: str | None,
    name: str | None,
    namespace: str | None,
    renew: bool,
    dry_run: bool,
    resuming: bool,
    aborting: bool,
    report: str,
    quiet: bool,
) -> int:
    """Seal SealedSecrets anew, in place: for the controller's new certificate, or for another place.

    The values are opened with the private keys of --private-key or FLUXSECRETS_SEALING_KEYS, and sealed for
    the certificate of --cert or of the environment. Only the sealed values' text changes, and with --scope,
    --name and --namespace what the metadata say. A value that the certificate's own key opens stays.

    All files are prepared before the first is replaced; what does not open is listed and stays as it is.
    """
    from fluxsecrets.ops.manifests.manifestfiles import SEALED, find_manifests
    from fluxsecrets.ops.run.results import BatchResult, Outcome
    from fluxsecrets.ops.run.writer import Operation, place_of_tree, refuse_interrupted, write_files
    from fluxsecrets.ops.sealing.certificates import certificate_for
    from fluxsecrets.ops.sealing.keyfiles import load_keys
    from fluxsecrets.ops.sealing.reseal import Resealing
    from fluxsecrets.ops.sealing.resealfiles import prepare_resealing, reseal_jobs
    from fluxsecrets.report.moved import FORMATS
    from fluxsecrets.sealed.scopes import parse_scope

    session, out = make_session(), Output(quiet=quiet)
    if end_if_asked(session, out, "reseal", resuming=resuming, aborting=aborting):
        return 0
    files = find_manifests(session, paths, environment, SEALED, everything=everything)
    refuse_interrupted((files.tree.root / "-",))
    found = certificate_for(session, files.tree, cert=cert, environment=environment, files=files.paths)
    show_certificate(out, found)
    resealing = Resealing(
        found.certificate,
        load_keys(session, private_keys),
        parse_scope(scope) if scope is not None else None,
        name,
        namespace,
        renew,
    )
    jobs = reseal_jobs(session, files)
    prepared = tuple(
        out.progress(
            prepare_resealing(session, jobs, resealing, write=not dry_run), len(jobs), "sealing anew"
        )
    )
    operation = Operation("reseal", place_of_tree(files.tree))
    results = tuple(write_files(session, prepared, operation))
    told = (*files.failed, *(each for each in results if each.outcome is not Outcome.LEFT))
    batch = BatchResult(told, files.notes)
    out.show(FORMATS[report]("reseal", batch))
    return 2 if batch.failed else 0
