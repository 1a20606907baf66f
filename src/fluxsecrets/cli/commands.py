"""The table of commands, in the groups that `--help` shows them in. Help and completion import no command."""

from __future__ import annotations

from types import MappingProxyType

GROUPS = MappingProxyType({
    "Start here": {
        "init": ("init", "Protect a repository: keys, rules, git hooks, CI."),
        "doctor": ("doctor", "Show what this clone and this machine lack."),
    },
    "Secrets": {
        "encrypt": ("encrypt", "Encrypt Secrets in place."),
        "decrypt": ("decrypt", "Print a file decrypted, or decrypt files in place."),
        "edit": ("edit", "Edit an encrypted file, or create one."),
        "get": ("values:get", "Print one value of an encrypted file."),
        "set": ("values:set_", "Set one value of an encrypted file."),
        "unset": ("values:unset", "Remove one value of an encrypted file."),
        "status": ("status:status", "Show what is encrypted, and for whom."),
        "explain": ("status:explain", "Show which rule applies to a file, and why."),
        "diff": ("diff", "Show which values differ between two states."),
        "propose": ("propose", "Propose a value for a Secret that you can't decrypt."),
        "fold": ("fold", "Move proposed values into their Secrets."),
        "extract": ("extract", "Move plain values of manifests into encrypted Secrets."),
        "exec-env": ("exec:exec_env", "Run a command with the values in its environment."),
        "exec-file": ("exec:exec_file", "Run a command that reads a decrypted file."),
    },
    "People and keys": {
        "recipients": ("recipients", "See who can read what; add and remove people."),
        "rotate": ("rotate", "Give files new data keys."),
        "keys": ("keys", "Make and manage identities."),
    },
    "Checks": {
        "audit": ("audit", "Find what is wrong with secrets, and who can read what."),
        "scan": ("scan", "Find secrets in plain text."),
        "review": ("review", "Show what a change does to secrets, for its reviewer."),
        "rules": ("rules", "Show the rules of `scan` and `audit`, and what they mean."),
        "log": ("log", "Show what was done with secrets here; verify the record."),
    },
    "Environments and Flux": {
        "env": ("env", "See the environments of a repository, and add one."),
        "verify": ("verify", "Show what Flux would do, and compare it with a cluster."),
        "render": ("render", "Print what Flux would apply, as YAML documents."),
        "masked": ("masked", "Run a tool on a copy in which secrets are placeholders."),
    },
    "Sealed Secrets, External Secrets, buckets and Vault": {
        "seal": ("seal", "Turn Secrets into SealedSecrets."),
        "unseal": ("unseal", "Print SealedSecrets as Secrets, with the controller's key."),
        "reseal": ("reseal", "Seal again: for another certificate, name or namespace."),
        "convert": ("convert", "Move Secrets between SOPS, Sealed and External Secrets."),
        "publish": ("publish", "Upload encrypted files to buckets, and values to Vault."),
    },
    "Git": {
        "hook": ("hook", "Set up git: hooks against plain text, drivers that merge."),
        "resolve": ("resolve", "Resolve the conflicts of a merge, value by value."),
        "recover": ("recover", "Show what an interrupted command left, and end it."),
        "textconv": ("textconv", "Print a file with its values masked, for git diff."),
        "merge-driver": ("mergedriver", "Merge three versions of a secret; git runs this."),
    },
    "This program": {
        "help": ("help", "Show the help of a command."),
        "agent": ("agent.command", "Answer commands faster, and keep keys unlocked."),
        "completion": ("completion.command", "Print the completion script of a shell."),
        "mcp": ("mcp", "Serve a repository to an agent, without its values."),
        "version": ("version", "Show versions, for a bug report."),
    },
})  # fmt: skip
"""Heading -> name -> (`module` with a click command `command`, or `module:command`; the line of --help).

Lines have at most 57 characters, so that each fits beside its name at 80 columns.
"""

COMMANDS = MappingProxyType({name: row for group in GROUPS.values() for name, row in group.items()})
"""Name -> its row of `GROUPS`."""

RUN_BY_GIT = frozenset({"merge-driver"})
"""Commands that people don't run; --help doesn't list them."""
