"""What the command is given beside the tree: its arguments, its folder, and an environment without keys."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.exec.execute import PLACEHOLDER

_HINT = "such as: fluxsecrets masked HEAD~1 HEAD -- diff -r {} {}"

KEY_VARIABLES = (
    "SOPS_*",
    "FLUXSECRETS_*",
    "AGE_*",
    "VAULT_TOKEN",
    "BAO_TOKEN",
    "GNUPGHOME",
    "OP_CONNECT_TOKEN",
)
"""Variables that hold a key or say where one is; with `*` at the end, all that begin like this."""

CLOUD_VARIABLES = (
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    *("AWS_CONTAINER_AUTHORIZATION_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"),
    *("AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN"),
    *("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
    *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "CLOUDSDK_AUTH_ACCESS_TOKEN"),
    *("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"),
    "OP_SERVICE_ACCOUNT_TOKEN",
)
"""Credentials with which a cloud's service would decrypt."""


def without_keys(environ: Mapping[str, str], kept: Collection[str]) -> dict[str, str]:
    """Return an environment without the variables that lead to a secret.

    Args:
        environ: the environment.
        kept: names that stay all the same.
    """
    return {name: text for name, text in environ.items() if name in kept or not leads_to_key(name)}


def leads_to_key(name: str) -> bool:
    """Whether a variable holds a key or a credential, or says where one is."""
    return any(
        name.startswith(each[:-1]) if each.endswith("*") else name == each
        for each in (*KEY_VARIABLES, *CLOUD_VARIABLES)
    )


def with_paths(arguments: Sequence[str], roots: Sequence[Path], *, shell: bool = False) -> tuple[str, ...]:
    """Put the paths of the trees into a command: one stands for each `{}`, two for the first and the second.

    Args:
        arguments: the command.
        roots: the trees.
        shell: a shell reads the command, so the paths are quoted.

    Raises:
        UsageError: there are two trees, and not two `{}`.
    """
    count = sum(each.count(PLACEHOLDER) for each in arguments)
    if len(roots) > 1 and count != len(roots):
        raise UsageError(
            f"two revisions need two {{}} in the command, and it has {count}",
            hint=_HINT,
        )
    paths = [shlex.quote(str(root)) if shell else str(root) for root in roots]
    left = iter(paths if len(paths) > 1 else paths * count)
    return tuple(_filled(each, left) for each in arguments)


def _filled(argument: str, paths: Iterator[str]) -> str:
    first, *rest = argument.split(PLACEHOLDER)
    return first + "".join(f"{next(paths)}{part}" for part in rest)


def folder_for(command: Sequence[str], roots: Sequence[Path], repository: Path, cwd: Path) -> Path | None:
    """Return the folder that a command without `{}` runs in: the working directory's place in the tree.

    Returns:
        None for a command with a `{}`, which stays in the working directory.
    """
    if len(roots) != 1 or any(PLACEHOLDER in each for each in command):
        return None
    inside = os.path.relpath(os.path.realpath(cwd), os.path.realpath(repository))
    place = roots[0] / inside
    return place if not inside.startswith(os.pardir) and place.is_dir() else roots[0]
