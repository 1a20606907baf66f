"""The options of `fluxsecrets scan --repos`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.options import Decorator

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)

repos_option: Decorator = click.option(
    "--repos",
    type=click.Path(path_type=Path, exists=True),
    metavar="FILE|FOLDER",
    help="All repositories of a list, or below a folder.",
)
dask_option: Decorator = click.option(
    "--dask", metavar="ADDRESS", help="With --repos: the scheduler of a Dask cluster that scans them."
)
ca_option: Decorator = click.option(
    "--dask-ca", type=_FILE, metavar="FILE", help="For tls://: the authority."
)
cert_option: Decorator = click.option(
    "--dask-cert", type=_FILE, metavar="FILE", help="For tls://: the client's certificate."
)
key_option: Decorator = click.option(
    "--dask-key", type=_FILE, metavar="FILE", help="For tls://: the client's private key."
)
