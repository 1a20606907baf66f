"""`fluxsecrets mcp`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from fluxsecrets.errors import GitError, UsageError


@click.command("mcp")
@click.argument(
    "folder",
    required=False,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="[FOLDER]",
)
@click.option("--read-only", is_flag=True, help="Offer no tools that write.")
@click.option("--offline", is_flag=True, help="Ask no key service: use age and PGP keys alone.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing; compare ciphertexts, and set no value.")
def command(*, folder: Path | None, read_only: bool, offline: bool, no_keys: bool) -> int:
    """Serve the secrets of a repository to an agent, without their values.

    FOLDER is in the repository; default: the working directory.

    An agent's client starts it, and speaks the Model Context Protocol over standard input and output. The
    agent gets tools to list secrets, to check and review them, and to set or propose a generated value. No
    tool returns a value or a private key, whatever is asked.

    Tools see that repository alone. They write by rules that are committed: while .sops.yaml,
    .fluxsecrets.yaml or keys/ differ from the last commit, nothing is written, and no key service is asked.

    Your identities are used without asking; a key with a passphrase stays closed.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        raise UsageError(
            "an agent's client starts this command, and standard input is a terminal",
            hint="docs/mcp.md shows how to set it up",
        )
    try:
        from fluxsecrets.mcp.server import serve
    except ImportError:
        raise UsageError(
            "`mcp` needs the Python package mcp", hint="run `pip install 'fluxsecrets[mcp]'`"
        ) from None
    from fluxsecrets.mcp.served import Served
    from fluxsecrets.ops.run.parallel import alone
    from fluxsecrets.repo.git import find_repository

    repository = find_repository(Path.cwd() if folder is None else folder.absolute())
    if repository is None:
        raise GitError(
            "this is not a git repository, so there is nothing to serve",
            hint="name a folder of one",
        )
    root = Path(os.path.realpath(repository.root))
    os.chdir(root)  # paths of agents are relative to it
    # Processes must not be forked while threads run.
    with alone():
        serve(Served(root, dict(os.environ), read_only=read_only, offline=offline, no_keys=no_keys))
    return 0
