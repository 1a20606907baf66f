"""What the commands around Sealed Secrets share: options, the certificate said, values read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from fluxsecrets.cli.options import Decorator
from fluxsecrets.errors import FluxsecretsError, LimitError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.run.session import Session

SCOPES = ("strict", "namespace-wide", "cluster-wide")

cert_option: Decorator = click.option(
    "--cert",
    metavar="FILE",
    help="The controller's certificate in PEM, or its https: or file: URL (default: the environment's, then "
    "SEALED_SECRETS_CERT).",
)
scope_option: Decorator = click.option(
    "--scope",
    type=click.Choice(SCOPES),
    help="Where the values may be opened; default: what the annotations say, or strict.",
)
private_key_option: Decorator = click.option(
    "--private-key",
    "--recovery-private-key",
    "private_keys",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The controller's private key: PEM, or backed-up TLS Secrets; repeatable, tried in order.",
)
comments_option: Decorator = click.option(
    "--comments",
    type=click.Choice(["careful", "keep", "drop"]),
    default="careful",
    show_default=True,
    help="Comments among the values: keep them unless one may hold a value (careful), keep, or drop.",
)
OUTPUT_TYPES = ("yaml", "json")
_STDIN = ("-", "/dev/stdin")
output_type_option: Decorator = click.option(
    "--output-type", type=click.Choice(OUTPUT_TYPES), help="Write this format instead of the input's."
)


from_file_option: Decorator = click.option(
    "--from-file",
    "from_files",
    multiple=True,
    metavar="[ITEM=]FILE",
    help="With --raw: the value, instead of standard input.",
)


def read_value(session: Session, from_files: Sequence[str]) -> bytes:
    """A value from a file, or from standard input.

    The file may follow an item and an equals sign, which kubeseal takes from kubectl, and ignores.

    Raises:
        UsageError: several files were given.
        LimitError: it is too large.
        FileAccessError: it cannot be read.
    """
    if len(from_files) > 1:
        raise UsageError("--raw takes one value", hint="give --from-file once")
    limit = session.limits.size
    text = from_files[0] if from_files else "-"
    path = Path(text.partition("=")[2] if "=" in text else text)
    if str(path) not in _STDIN:
        try:
            return read_file(session.cwd / path, limit=limit, follow_links=True).data
        except FluxsecretsError as error:
            error.path = session.shown(path)
            raise
    data = sys.stdin.buffer.read(limit + 1) if sys.stdin is not None else b""
    if len(data) > limit:
        raise LimitError(f"is too large: the limit is {limit // 2**20} MiB", path="standard input")
    return data


def in_format(data: bytes, name: str | None, given: str, session: Session) -> bytes:
    """A content in the format that was asked for.

    Raises:
        UsageError: JSON was asked for, and there are several documents.
    """
    if name is None or name == given:
        return data
    from fluxsecrets.repo.manifesttext import open_manifests
    from fluxsecrets.sops.document import to_data
    from fluxsecrets.sops.formats.json import dump
    from fluxsecrets.sops.formats.yaml import YamlFormat

    text = open_manifests(data, session.limits)
    parts = [to_data(part) for part in text.parts if part.entries]
    if name == "yaml":
        return YamlFormat(2).render(parts)
    if len(parts) != 1:
        raise UsageError(
            f"JSON holds one object, and there are {len(parts)}",
            hint="write YAML, or split the file",
        )
    return (dump(parts[0], "\n", "  ") + "\n").encode()
