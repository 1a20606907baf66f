"""`fluxsecrets keys`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fluxsecrets.cli.groups import SuggestingGroup
from fluxsecrets.cli.options import (
    Decorator,
    LoggedArgument,
    LoggedOption,
    PathArgument,
    format_option,
    make_session,
    output_option,
    quiet_option,
)
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.errors import FluxsecretsError, LimitError, UsageError
from fluxsecrets.shell import command_for, file_word

if TYPE_CHECKING:  # each command pays for its own operation
    from fluxsecrets.ops.people.newkeys import KeyFile
    from fluxsecrets.ops.run.session import Session

_MAX_KEY_FILE = 2**20

_store_option: Decorator = click.option(
    "--store",
    type=click.Choice(["file", "keyring"]),
    default="file",
    show_default=True,
    help="Where to keep the identity.",
)
_output_option: Decorator = output_option("Add the private key to this file.")


@click.group("keys", cls=SuggestingGroup)
def command() -> None:
    """Make and manage identities."""


@command.command("generate", short_help="Make an age identity.")
@click.argument("name", cls=LoggedArgument, required=False)
@_store_option
@_output_option
@click.option(
    "--post-quantum",
    is_flag=True,
    help="Make a post-quantum identity; for sops 3.12 and newer.",
)
@format_option
@quiet_option
def generate(
    name: str | None, store: str, output: Path | None, post_quantum: bool, report: str, quiet: bool
) -> int:
    """Make an age identity and print its public key.

    The private key is added to SOPS_AGE_KEY_FILE, or else to sops's own key file, readable by you alone.
    With --store keyring it goes into the keyring of the operating system, where only fluxsecrets finds it.
    With NAME the public key is also written to keys/NAME.pub of the repository.
    """
    from fluxsecrets.ops.people.keystore import Keeping, Store
    from fluxsecrets.ops.people.newkeys import new_key
    from fluxsecrets.report.keys import NEW_FORMATS

    session, out = make_session(), Output(quiet=quiet)
    made = new_key(session, Keeping(name, Store(store), output), post_quantum=post_quantum)
    out.show(NEW_FORMATS[report](made))
    return 0


@command.command("list", short_help="Show which identities you have, and where.")
@click.option(
    "--check", is_flag=True, help="Exit with 1 if keys/ holds a private key, or git ignores a public one."
)
@report_option
@quiet_option
def list_(check: bool, report: str, quiet: bool) -> int:
    """Show which identities you have, where, and how many files of each environment they open.

    Asks for no passphrase, runs no command and opens no keyring. Also checks that keys/ holds only
    public keys, and that git ignores none of them.
    """
    from fluxsecrets.ops.people.ownkeys import check_folder, list_keys
    from fluxsecrets.report.keys import FORMATS

    session = make_session()
    found = list_keys(session)
    Output(quiet=quiet).show(FORMATS[report](found))
    if found.errors:
        return 2
    return 1 if check and check_folder(session) else 0


@command.command("import", short_help="Keep the age identities of a file.")
@click.argument("file", cls=PathArgument)
@click.option("--name", cls=LoggedOption, metavar="NAME", help="Also write the public key to keys/NAME.pub.")
@_store_option
@_output_option
@format_option
@quiet_option
def import_(file: str, name: str | None, store: str, output: Path | None, report: str, quiet: bool) -> int:
    """Keep the age identities of FILE, or of standard input for `-`.

    A file with a passphrase, from `keys export` or age, is opened first: the passphrase
    is asked for at the terminal. SSH keys stay in ~/.ssh, PGP keys belong in GnuPG's keyring.
    """
    from fluxsecrets.ops.people.keystore import Keeping, Store
    from fluxsecrets.ops.people.newkeys import import_keys
    from fluxsecrets.report.keys import IMPORT_FORMATS

    session, out = make_session(), Output(quiet=quiet)
    given = _read(session, file)
    out.show(IMPORT_FORMATS[report](import_keys(session, given, Keeping(name, Store(store), output)), given))
    return 0


def _read(session: Session, file: str) -> KeyFile:
    from fluxsecrets.files.reading import read_file
    from fluxsecrets.ops.people.newkeys import KeyFile

    if file != "-":
        path = session.cwd / file
        try:
            return KeyFile(file, read_file(path, limit=_MAX_KEY_FILE, follow_links=True).data, path)
        except FluxsecretsError as error:
            error.path = file
            raise
    data = sys.stdin.buffer.read(_MAX_KEY_FILE + 1) if sys.stdin is not None else b""
    if len(data) > _MAX_KEY_FILE:
        raise LimitError("is too large to be a key file", path="standard input")
    return KeyFile("standard input", data)


@command.command("export", short_help="Print an identity, for a backup.")
@click.argument("name", cls=LoggedArgument)
@output_option("Write it to a new file.")
@click.option("--plain", is_flag=True, help="Without a passphrase; never to a terminal.")
@quiet_option
def export(name: str, output: Path | None, plain: bool, quiet: bool) -> int:
    """Print an identity, encrypted with a passphrase that you are asked for.

    NAME is that of a keys/NAME.pub, or a public key. `age --decrypt` opens the result, and so does
    `keys import`. A passphrase-protected copy is good for a backup.
    """
    from fluxsecrets.ops.people.keyexport import export_key

    session, out = make_session(), Output(quiet=quiet)
    if plain and output is None:
        refuse_terminal("a private key in plain text", "add -o FILE, or pipe it to where it is wanted")
    exported = export_key(session, name, plain=plain)
    for warning in exported.warnings:
        out.warning(f"warning: {warning}")
    if output is None:
        out.data(exported.data)
        return 0
    from fluxsecrets.files.writing import write_new
    from fluxsecrets.ops.people.keystore import shown

    path = session.cwd / output
    write_new(path, exported.data)
    out.note(f"{shown(session, path)}: the identity of {exported.recipient[:12]}…")
    if plain:
        _warn_of_commit(session, out, path, "move it elsewhere before you commit")
    return 0


def _warn_of_commit(session: Session, out: Output, path: Path, advice: str) -> None:
    from fluxsecrets.ops.people.keystore import shown, would_be_committed

    if would_be_committed(path):
        place = shown(session, path)
        out.warning(f"warning: {place} is in the repository and not ignored by git: {advice}")


def refuse_terminal(what: str, hint: str) -> None:
    """Keep a secret from being shown by accident.

    Raises:
        UsageError: standard output is a terminal.
    """
    if sys.stdout.isatty():
        raise UsageError(f"{what} is not shown at a terminal", hint=hint)


@command.command("remove", short_help="Delete an identity.")
@click.argument("name", cls=LoggedArgument)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--force", is_flag=True, help="With --yes: remove it even if nobody could open some files then."
)
@format_option
@quiet_option
def remove(name: str, yes: bool, force: bool, report: str, quiet: bool) -> int:
    """Delete an identity from the OS keyring and from your key files.

    NAME is that of a keys/NAME.pub, or a public key. First it shows which files of this repository nobody
    could open then. .sops.yaml and the recipients of files do not change.
    """
    from fluxsecrets.ops.people.keyremoval import plan_key_removal, remove_key
    from fluxsecrets.report.keys import REMOVED_FORMATS, removal_page

    session, out = make_session(), Output(quiet=quiet)
    plan = plan_key_removal(session, name)
    whose = plan.name or f"{plan.recipient[:12]}…"
    out.show(removal_page(plan, whose))
    if not yes:
        _confirm(whose)
    elif plan.lost and not force:
        raise UsageError(
            f"nobody could open {len(plan.lost)} {'file' if len(plan.lost) == 1 else 'files'} then",
            details=list(plan.lost),
            hint="add somebody else first (`fluxsecrets recipients add WHO --all`), keep a copy with "
            f"`fluxsecrets keys export {file_word(whose)}`, or add --force",
        )
    remove_key(session, plan)
    out.show(REMOVED_FORMATS[report](plan, whose))
    return 0


def _confirm(whose: str) -> None:
    """Ask for the name, because people answer yes by habit.

    Raises:
        UsageError: nobody can be asked, or the answer did not match.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("cannot ask whether to remove it", hint="add --yes")
    answer = click.prompt(f"type {whose} to remove it for good", default="", show_default=False, err=True)
    if answer.strip() != whose:
        raise UsageError("nothing was removed: the answer did not match", hint="run the command again")


@command.command("cluster-secret", short_help="Print the Secret with which Flux decrypts.")
@click.option(
    "--env", "environment", cls=LoggedOption, metavar="NAME", required=True, help="The environment."
)
@click.option(
    "--identity",
    cls=LoggedOption,
    metavar="NAME",
    help="Whose identity: a public key, its name, or a PGP fingerprint.",
)
@output_option("Write it to a new file.")
@quiet_option
def cluster_secret_(environment: str, identity: str | None, output: Path | None, quiet: bool) -> int:
    """Print the Secret with which Flux decrypts an environment; it holds the private key in plain text.

    Name and namespace are those of `spec.decryption.secretRef` in the environment's Kustomizations. Pipe it
    into `kubectl apply --server-side -f -`, or into `fluxsecrets encrypt --filename FILE - > FILE` to keep it
    encrypted. Without --server-side, kubectl copies the private key into an annotation, which
    `kubectl describe` prints. The identity is the one of `cluster_recipients` in .fluxsecrets.yaml, or the
    one named after the cluster.
    """
    from fluxsecrets.ops.people.clustersecret import cluster_secret
    from fluxsecrets.report.keys import short_key

    session, out = make_session(), Output(quiet=quiet)
    if output is None:
        refuse_terminal(
            "a Secret with a private key",
            f"pipe it: {command_for('keys cluster-secret', environment=environment)} | "
            "kubectl apply --server-side -f -",
        )
    made = cluster_secret(session, environment, identity)
    for warning in made.warnings:
        out.warning(f"warning: {warning}")
    if output is None:
        out.data(made.data)
    else:
        from fluxsecrets.files.writing import write_new

        path = session.cwd / output
        write_new(path, made.data)
        out.note(f"{session.shown(path)} holds a private key in plain text")
        command = command_for("encrypt", [session.shown(path)])
        _warn_of_commit(session, out, path, f"run `{command}` before you commit")
    names = ", ".join(f"{each.namespace}/{each.name}" for each in made.secrets)
    out.note(f"{names}: the identity of {short_key(made.recipient)}")
    return 0
