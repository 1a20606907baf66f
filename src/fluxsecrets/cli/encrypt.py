"""`fluxsecrets encrypt`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from fluxsecrets.cli.options import (
    PathArgument,
    config_option,
    env_option,
    filename_option,
    for_others_option,
    format_option,
    goes_to_file,
    input_type_option,
    make_session,
    only_path,
    output_option,
    quiet_option,
    refuse_piped_input,
)
from fluxsecrets.cli.output import (
    Output,
    show_remarks,
    write_output,
)
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.checks.checking import offenders, without_allowed
from fluxsecrets.ops.files.encrypt import (
    EncryptJob,
    EncryptOptions,
    encrypt_files,
    encrypt_input,
    encrypt_jobs,
)
from fluxsecrets.ops.policy.policy import make_overrides
from fluxsecrets.ops.run.inputs import is_same_file, read_input
from fluxsecrets.ops.run.names import read_public_keys
from fluxsecrets.ops.run.results import BatchResult, FileResult, Outcome
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import Selection, clean_up, repository_root, select
from fluxsecrets.repo.git import find_repository
from fluxsecrets.report.text import drift_lines, result_rows, warning_lines


@click.command("encrypt")
@click.argument("paths", cls=PathArgument, nargs=-1, metavar="[PATH]...")
@env_option
@click.option(
    "-i", "--in-place", is_flag=True, help="What encrypt does anyway, also where standard output is a file."
)
@click.option(
    "--check", is_flag=True, help="Write nothing; show what is not as the rules want, exit 1 for it."
)
@click.option("--dry-run", is_flag=True, help="Write nothing; only say what would be encrypted.")
@output_option("Write one file's result there.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Write one file's result to standard output.")
@filename_option
@input_type_option
@click.option(
    "--age", multiple=True, metavar="KEY[,KEY]", help="Encrypt for these age keys, whatever the rule says."
)
@click.option(
    "--pgp", multiple=True, metavar="KEY[,KEY]", help="Encrypt for these PGP fingerprints, likewise."
)
@click.option("--encrypted-regex", metavar="REGEX", help="Encrypt the values of keys that match.")
@click.option(
    "--unencrypted-regex", metavar="REGEX", help="Leave the values of keys that match in the clear."
)
@click.option("--encrypted-suffix", metavar="TEXT", help="Encrypt the values of keys with this ending.")
@click.option(
    "--unencrypted-suffix", metavar="TEXT", help="Leave the values of keys with this ending in the clear."
)
@click.option(
    "--encrypted-comment-regex",
    metavar="REGEX",
    help="Encrypt the values below comments that match; not for Flux.",
)
@click.option(
    "--unencrypted-comment-regex",
    metavar="REGEX",
    help="Leave the values below comments that match in the clear; not for Flux.",
)
@click.option(
    "--mac-only-encrypted",
    is_flag=True,
    help="Leave values in the clear out of the MAC, to change them freely.",
)
@click.option("--staged", is_flag=True, help="Only what is staged for the next commit, and stage the result.")
@click.option("--split-lists", is_flag=True, help="Turn a List of Secrets into YAML documents first.")
@for_others_option
@config_option
@format_option
@quiet_option
def command(
    *,
    paths: tuple[str, ...],
    environment: str | None,
    check: bool,
    dry_run: bool,
    output: Path | None,
    to_stdout: bool,
    filename: str | None,
    input_type: str | None,
    staged: bool,
    split_lists: bool,
    for_others: bool,
    age: tuple[str, ...],
    pgp: tuple[str, ...],
    mac_only_encrypted: bool,
    config: Path | None,
    report: str | None,
    quiet: bool,
    in_place: bool,
    **selectors: str | None,
) -> int:
    """Encrypt Secrets in place.

    PATH is a file, which is encrypted as it is, or a folder, in which every Secret is. Without PATH and
    --env it is every Secret in the repository. Files that are encrypted already stay as they are; values
    that did not change since the last commit keep their ciphertext. One that differs from its rule, such
    as in its recipients, stays as it is, too, and is named.

    With --check, plain files stay out in which all that `fluxsecrets scan` finds is allowed or known to the
    baseline.
    """
    session, out = make_session(config), Output(quiet=quiet)
    options = EncryptOptions(
        make_overrides(
            {"age": age, "pgp": pgp},
            {name: text for name, text in selectors.items() if text is not None},
            mac_only_encrypted=mac_only_encrypted,
        ),
        split_lists=split_lists,
        write=not (check or dry_run),
        for_others=for_others,
    )
    if staged:
        if paths or environment is not None or to_stdout or output is not None or filename is not None:
            raise UsageError(
                "--staged says which files are meant, and where they go", hint="leave out the rest"
            )
        from fluxsecrets.ops.files.staged import encrypt_staged

        batch = encrypt_staged(session, options)
        _show(out, batch, as_json=report == "json")
    elif "-" in paths or to_stdout or output is not None:
        if in_place or environment is not None:
            raise UsageError(
                "one content is encrypted with -, --stdout or -o, many files with --env or in place",
                hint="leave out --env and -i, or -, --stdout and -o",
            )
        one = _One(output, filename, input_type, report == "json")
        batch = _encrypt_one(session, out, paths, one, options)
    else:
        if filename is not None:
            raise UsageError("--filename is for standard input", hint="give - as the path as well")
        if options.write and not paths and environment is None:
            refuse_piped_input("encrypt")
        if paths and options.write and not in_place and report != "json" and goes_to_file():
            raise UsageError(
                "standard output goes to a file, but encrypt works in place",
                hint="add --stdout to write the encrypted text there, or -i to encrypt in place",
            )
        selection = select(session, paths, environment, input_type)
        batch = _encrypt_in_place(session, out, selection, options)
        if check:
            batch = without_allowed(session, selection.targets, batch)
        _show(out, batch, as_json=report == "json", only_offenders=check)
    if batch.failed:
        return 2
    return 1 if check and offenders(batch) else 0


@dataclass(frozen=True, slots=True)
class _One:
    """Where one content comes from and goes to, when not in place."""

    output: Path | None
    filename: str | None
    input_type: str | None
    as_json: bool


def _encrypt_in_place(
    session: Session, out: Output, selection: Selection, options: EncryptOptions
) -> BatchResult:
    if options.write:
        clean_up(selection)
    options = _for_people(session, selection.root, options)
    jobs = encrypt_jobs(session, selection)
    results = tuple(out.progress(encrypt_files(session, jobs, options), len(jobs), "encrypting"))
    return BatchResult(results, (*selection.notes, *_overrides(session, jobs, results, options)))


def _overrides(
    session: Session, jobs: Sequence[EncryptJob], results: Sequence[FileResult], options: EncryptOptions
) -> tuple[str, ...]:
    """What is to be known of nested `.sops.yaml` files; those that were encrypted already are left out."""
    from fluxsecrets.ops.policy.overriding import override_notes

    if options.overrides.recipients:
        return ()
    done = (Outcome.ENCRYPTED, Outcome.WOULD_ENCRYPT)
    paths = [job.path for job, result in zip(jobs, results, strict=True) if result.outcome in done]
    return override_notes(session, paths, options.names)


def _encrypt_one(
    session: Session, out: Output, paths: tuple[str, ...], one: _One, options: EncryptOptions
) -> BatchResult:
    """Encrypt one content to standard output or to a file."""
    text = only_path(paths, "without -, --stdout and -o several files are encrypted in place")
    if text == "-" and one.filename is None and not options.overrides.recipients:
        raise UsageError(
            "standard input has no name, so no creation rule can match it",
            hint="add --filename NAME, or name recipients with --age",
        )
    if one.as_json and options.write and one.output is None:
        raise UsageError(
            "standard output cannot take both the encrypted text and a report as JSON", hint="add -o FILE"
        )
    given = read_input(session, text, one.filename, one.input_type)
    job = EncryptJob(
        given.path,
        given.shown,
        given.format,
        repository=find_repository(given.path) if one.output is not None else None,
        replaced=one.output is not None and is_same_file(session.cwd / one.output, session.cwd / text),
    )
    options = _for_people(session, repository_root(session), options)
    result, encrypted = encrypt_input(session, job, given.handed_over(), options)
    batch = BatchResult((result,))
    if not options.write or one.as_json:
        _show(out, batch, as_json=one.as_json)
    else:
        for line in warning_lines(batch.files):
            out.warning(line)
    if options.write:
        write_output(session, out, encrypted, one.output, mode=0o644)
    return batch


def _for_people(session: Session, root: Path, options: EncryptOptions) -> EncryptOptions:
    """With names of recipients; and with who we are, which --check need not know."""
    return replace(options, names=read_public_keys(root), look_at_identities=options.write)


def _show(out: Output, batch: BatchResult, *, as_json: bool, only_offenders: bool = False) -> None:
    if as_json:
        from fluxsecrets.report.json import batch_json

        out.text([batch_json("encrypt", batch)])
    else:
        out.table(result_rows(offenders(batch) if only_offenders else batch.files))
        show_remarks(out, batch)
        for line in drift_lines([(result.path, result.drift) for result in batch.files]):
            out.note(line)
