"""The group of commands."""

from __future__ import annotations

import importlib

import click

from fluxsecrets import __version__

from .groups import SuggestingGroup

COMMANDS = {
    "encrypt": ("encrypt", "Encrypt Secrets in place."),
    "decrypt": ("decrypt", "Print a file decrypted, or decrypt files in place."),
    "edit": ("edit", "Edit an encrypted file, or create one."),
    "get": ("values:get", "Print one value of an encrypted file."),
    "set": ("values:set_", "Set one value of an encrypted file."),
    "unset": ("values:unset", "Remove one value of an encrypted file."),
    "propose": ("propose", "Propose a value for a Secret that you can't decrypt."),
    "fold": ("fold", "Move proposed values into their Secrets."),
    "status": ("status:status", "Show what is encrypted, and for whom."),
    "explain": ("status:explain", "Show which rule applies to a file and what it would encrypt."),
    "diff": ("diff", "Show which values differ between commits, the index and the work tree."),
    "exec-env": ("exec:exec_env", "Run a command with the values in its environment."),
    "exec-file": ("exec:exec_file", "Run a command that reads a decrypted file."),
    "rotate": ("rotate", "Give files new data keys."),
    "recipients": (
        "recipients",
        "See who can read what, and keep files in line with the rules.",
    ),
    "seal": ("seal", "Turn Secrets into SealedSecrets."),
    "unseal": ("unseal", "Print SealedSecrets as Secrets, with the controller's key."),
    "reseal": ("reseal", "Seal SealedSecrets again: for another certificate, name or namespace."),
    "convert": ("convert", "Move Secrets between SOPS, Sealed Secrets and External Secrets."),
    "publish": ("publish", "Upload encrypted files to buckets, and values to Vault."),
    "audit": ("audit", "Find what is wrong with secrets, and who can read what."),
    "verify": ("verify", "Show what Flux would do with each Kustomization."),
    "review": ("review", "Show what a change does to secrets, for its reviewer."),
    "render": ("render", "Print what Flux would apply, as YAML documents."),
    "env": ("env", "See the environments of a repository, and add one."),
    "keys": ("keys", "Make and manage identities."),
    "scan": ("scan", "Find secrets in plain text."),
    "rules": ("rules", "Show the rules of `scan` and `audit`, and what they mean."),
    "hook": ("hook", "Set up git: hooks against plain text, drivers that merge."),
    "doctor": ("doctor", "Show what this clone and this machine lack."),
    "resolve": ("resolve", "Resolve the conflicts of a merge, value by value."),
    "recover": ("recover", "Show what an interrupted command left, and end it."),
    "log": ("log", "Show what was done with secrets here, and verify the record."),
    "textconv": ("textconv", "Print a file with its values masked, for git to compare."),
    "merge-driver": ("mergedriver", "Merge three versions of a secret; git runs this."),
}
"""Name -> (`module` with a click command `command`, or `module:command`; the line that --help shows)."""

RUN_BY_GIT = frozenset({"merge-driver"})
"""Commands that people don't run; --help doesn't list them."""


class LazyGroup(SuggestingGroup):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"fluxsecrets.cli.{module}"), name or "command")
        assert isinstance(command, click.Command)  # noqa: S101 - the table says so
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, text) for name, (_, text) in COMMANDS.items() if name not in RUN_BY_GIT]
            )


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 clean, 1 findings or --check would change something, 2 an error.",
)
@click.version_option(__version__, prog_name="fluxsecrets", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show a traceback where an error occurs.")
def cli(debug: bool) -> None:
    """Look after every secret in a Flux repository.

    Encrypted for the right people, in files that Flux and sops read as they are.
    """
