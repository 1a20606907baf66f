"""`fluxsecrets seal`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.options import (
    LoggedOption,
    PathArgument,
    env_option,
    filename_option,
    for_others_option,
    format_option,
    make_session,
    only_path,
    output_option,
    quiet_option,
)
from fluxsecrets.cli.output import (
    Output,
    write_output,
)
from fluxsecrets.cli.sealing import (
    OUTPUT_TYPES,
    cert_option,
    comments_option,
    in_format,
    output_type_option,
    private_key_option,
    scope_option,
    show_certificate,
)
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.run.inputs import Input, is_same_file, read_input
from fluxsecrets.ops.run.session import Session

if TYPE_CHECKING:
    from fluxsecrets.ops.sealing.files import FileOptions
    from fluxsecrets.repo.tree import Tree


@dataclass(frozen=True, slots=True)
class _Given:
    """The options that say how to seal."""

    cert: Path | None
    environment: str | None
    scope: str | None
    name: str | None
    namespace: str | None
    private_keys: tuple[Path, ...]
    renew: bool
    comments: str
    allow_empty_data: bool
    for_others: bool
    write: bool


@click.command("seal")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@click.option("--all", "everything", is_flag=True, help="All plain Secrets of the repository.")
@cert_option
@scope_option
@click.option(
    "--name", cls=LoggedOption, metavar="NAME", help="Seal for this name instead of the Secret's own."
)
@click.option("--namespace", "-n", metavar="NAME", help="The namespace of a Secret that names none.")
@output_option("Write the result there.", OUTPUT_TYPES)
@click.option("--stdout", "to_stdout", is_flag=True, help="Write the result to standard output.")
@output_type_option
@click.option(
    "--merge-into",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Put the Secret's values into this SealedSecret; all else in it stays.",
)
@private_key_option
@click.option("--renew", is_flag=True, help="Seal every value anew, also those that did not change.")
@comments_option
@click.option("--allow-empty-data", is_flag=True, help="Take Secrets that have no values.")
@click.option("--raw", is_flag=True, help="Seal one value, from standard input or --from-file, and print it.")
@click.option("--from-file", type=click.Path(path_type=Path), metavar="FILE", help="With --raw: the value.")
@click.option("--fetch-cert", metavar="URL", help="Only fetch a controller's certificate: printed, or to -o.")
@click.option("--allow-http", is_flag=True, help="With --fetch-cert: take plain HTTP from other machines.")
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would be sealed.")
@for_others_option
@filename_option
@format_option
@quiet_option
def command(
    *,
    paths: tuple[str, ...],
    everything: bool,
    output: Path | None,
    to_stdout: bool,
    output_type: str | None,
    merge_into: Path | None,
    raw: bool,
    from_file: Path | None,
    fetch_cert: str | None,
    allow_http: bool,
    dry_run: bool,
    filename: str | None,
    report: str,
    quiet: bool,
    **how: object,
) -> int:
    """Turn Secrets into SealedSecrets, in place.

    Offline: the certificate is that of --cert, or the one that .fluxsecrets.yaml names for the environment.
    PATH is a file or a folder; --env and --all mean all plain Secrets of an environment or of the
    repository; - is standard input. With -o
    or --stdout the input stays as it is, and may be encrypted with SOPS.

    Comments, order and other objects in a file stay. A value that did not change keeps its ciphertext where a
    private key of the controller (--private-key) or the version in git shows it.
    """
    session, out = make_session(), Output(quiet=quiet)
    given = _Given(write=not dry_run, **how)  # type: ignore[arg-type]
    if fetch_cert is not None:
        return _fetch(session, out, fetch_cert, output, allow_http=allow_http)
    if raw:
        if paths or merge_into is not None or given.environment is not None or everything:
            raise UsageError("--raw seals one value", hint="give it on standard input, or with --from-file")
        return _raw(session, out, given, from_file, output)
    if everything and ("-" in paths or to_stdout or output is not None or merge_into is not None):
        raise UsageError(
            "--all seals many files, which is done in place only",
            hint="leave out --all, or name one file",
        )
    if merge_into is not None:
        return _merge(session, out, given, read_one(session, paths, filename), merge_into)
    if "-" in paths or to_stdout or output is not None:
        return _one(session, out, given, read_one(session, paths, filename), output, output_type)
    if filename is not None or output_type is not None:
        raise UsageError(
            "--filename and --output-type are for one content", hint="give - as the path, or -o or --stdout"
        )
    return _in_place(session, out, given, paths, everything=everything, report=report)


def read_one(session: Session, paths: tuple[str, ...], filename: str | None) -> Input:
    """The one content of a command that does not work in place."""
    text = only_path(paths, "without -, -o, --stdout and --merge-into files are sealed in place")
    return read_input(session, text, filename, None)


def _options(
    session: Session, out: Output, given: _Given, tree: Tree | None, files: tuple[str, ...]
) -> FileOptions:
    """Certificate and keys, once it is known what for."""
    from fluxsecrets.ops.manifests.comments import CommentMode
    from fluxsecrets.ops.manifests.placement import read_placement
    from fluxsecrets.ops.sealing.certificates import certificate_for, environments_with
    from fluxsecrets.ops.sealing.files import FileOptions
    from fluxsecrets.ops.sealing.keyfiles import load_keys
    from fluxsecrets.ops.sealing.seal import SealOptions
    from fluxsecrets.sealed.scopes import parse_scope

    found = certificate_for(session, tree, cert=given.cert, environment=given.environment, files=files)
    show_certificate(out, found)
    seal = SealOptions(
        found.certificate,
        scope=parse_scope(given.scope) if given.scope is not None else None,
        name=given.name,
        namespace=given.namespace,
        allow_empty=given.allow_empty_data,
        comments=CommentMode(given.comments),
    )
    keys = load_keys(session, given.private_keys, required=False)
    placement = read_placement(tree) if tree is not None and tree.repository is not None else None
    same = environments_with(session, tree, found) if tree is not None else frozenset()
    return FileOptions(
        seal, keys, placement, given.environment, same, given.renew, given.write, given.for_others
    )


def _in_place(
    session: Session, out: Output, given: _Given, paths: tuple[str, ...], *, everything: bool, report: str
) -> int:
    from fluxsecrets.ops.manifests.manifestfiles import ANY_KIND, find_manifests
    from fluxsecrets.ops.run.results import BatchResult, Outcome
    from fluxsecrets.ops.sealing.files import seal_files, seal_jobs
    from fluxsecrets.report.moved import FORMATS

    files = find_manifests(session, paths, given.environment, ANY_KIND, everything=everything)
    if given.name is not None and len(files.paths) > 1:
        raise UsageError("--name is for one Secret", hint="name one file")
    jobs = seal_jobs(session, files.tree, files.paths, files.named)
    options = _options(session, out, given, files.tree, files.paths)
    results = out.progress(seal_files(session, jobs, options), len(jobs), "sealing")
    told = (*files.failed, *(each for each in results if each.outcome is not Outcome.LEFT))
    batch = BatchResult(told, files.notes)
    out.show(FORMATS[report]("seal", batch))
    return 2 if batch.failed else 0


def _one(
    session: Session, out: Output, given: _Given, source: Input, output: Path | None, output_type: str | None
) -> int:
    """Seal one content to standard output or to a file."""
    from fluxsecrets.ops.sealing.files import seal_one, surroundings

    if output_type is None and output is not None:
        output_type = "json" if output.suffix == ".json" else "yaml"
    around = surroundings(session, source.path, session.cwd / output if output is not None else None)
    options = _options(session, out, given, around.tree, (around.inside,) if around.inside else ())
    job = around.job(source.path, source.shown)
    if output is not None and is_same_file(session.cwd / output, source.path):
        options.refuse_only_copy(around.tree.repository if around.tree is not None else None, source.data)
    sealed = seal_one(
        session, job, source.data, options, output=around.output, output_head=around.output_head
    )
    for warning in sealed.warnings:
        out.warning(f"warning: {source.shown}: {warning}")
    data = in_format(sealed.data, output_type, source.format, session)
    if given.write:
        write_output(session, out, data, output, mode=0o644)
    if output is not None:
        kept = f", {sealed.reused} of them unchanged" if sealed.reused else ""
        verb = "sealed" if given.write else "would seal"
        out.note(f"{output}: {verb} {sealed.values} value{'s' if sealed.values != 1 else ''}{kept}")
    return 0


def _merge(session: Session, out: Output, given: _Given, source: Input, target: Path) -> int:
    """Put values into a SealedSecret that is there."""
    from fluxsecrets.ops.sealing.files import merge_into, surroundings

    around = surroundings(session, source.path, session.cwd / target)
    inside = around.output_inside
    options = _options(session, out, given, around.tree, (inside,) if inside else ())
    merged = merge_into(session, around, source.data, source.shown, options)
    parts = [
        f"{len(keys)} {what}"
        for keys, what in (
            (merged.added, "added"),
            (merged.changed, "changed"),
            (merged.unchanged, "unchanged"),
        )
        if keys
    ]
    out.note(f"{session.shown(target)}: {'' if given.write else 'would be '}{', '.join(parts)}")
    return 0


def _raw(session: Session, out: Output, given: _Given, from_file: Path | None, output: Path | None) -> int:
    """Seal one value."""
    from fluxsecrets.cli.sealing import read_value
    from fluxsecrets.ops.sealing.certificates import certificate_for
    from fluxsecrets.ops.sealing.raw import seal_raw
    from fluxsecrets.sealed.scopes import Scope

    found = certificate_for(session, None, cert=given.cert, environment=None)
    show_certificate(out, found)
    scope = Scope(given.scope or Scope.STRICT)
    text = seal_raw(
        read_value(session, from_file), found.certificate, scope, name=given.name, namespace=given.namespace
    )
    write_output(session, out, text.encode(), output, mode=0o644)
    return 0


def _fetch(session: Session, out: Output, address: str, output: Path | None, *, allow_http: bool) -> int:
    """Fetch a certificate, and say what it is."""
    from fluxsecrets.ops.sealing.fetch import fetch_certificate
    from fluxsecrets.sealed.certificates import check_validity

    fetched = fetch_certificate(address, allow_http=allow_http)
    check_validity(fetched.certificate)
    write_output(session, out, fetched.data, output, mode=0o644)
    found = fetched.certificate
    out.note(f"sha256 {found.fingerprint}")
    out.note(f"{found.bits} bits, from {found.start:%Y-%m-%d} until {found.end:%Y-%m-%d}")
    if output is not None:
        out.note("compare the fingerprint with somebody who can see the controller before you commit it")
    return 0
