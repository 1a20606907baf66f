"""`fluxsecrets merge-driver`, which git runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from fluxsecrets.cli.options import PathArgument, make_session
from fluxsecrets.cli.output import Output

_MARKER_SIZE = 7


@click.command("merge-driver")
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@click.argument("size", type=click.IntRange(1, 1000), default=_MARKER_SIZE)
@click.argument("path", cls=PathArgument, default="")
@click.argument("base_label", default="%S")
@click.argument("our_label", default="%X")
@click.argument("their_label", default="%Y")
def command(
    *,
    base: Path,
    ours: Path,
    theirs: Path,
    size: int,
    path: str,
    base_label: str,
    our_label: str,
    their_label: str,
) -> int:
    """Merge three versions of a secret; git runs this.

    `fluxsecrets hook install` configures it with the arguments `%O %A %B %L %P %S %X %Y` of git. The result
    replaces the file %A. Values that one side changed are merged by key. A conflict gets markers
    around the two ciphertexts of that value. A version whose MAC is wrong is never merged.

    Exit codes: 0 merged, 1 conflicts, or not merged; 2 an error.
    """
    from fluxsecrets.merging import Labels
    from fluxsecrets.ops.merge.driver import DriverRequest, run_driver
    from fluxsecrets.report.merge import driver_page

    names = (_label(our_label, "HEAD"), _label(base_label, "base"), _label(their_label, _branch(os.environ)))
    request = DriverRequest(base, ours, theirs, path or str(ours), Labels(*names, size))
    result = run_driver(make_session(), request)
    Output().show(driver_page(request.path, result))
    return 0 if result.clean else 1


def _branch(environ: Mapping[str, str]) -> str:
    """Return the branch that `git merge` merges, which older versions of git only pass this way."""
    named = [text for name, text in environ.items() if name.startswith("GITHEAD_")]
    return named[0] if len(named) == 1 else "theirs"


def _label(text: str, default: str) -> str:
    """Return a label; git before 2.44 passes placeholders that it doesn't know as they are."""
    return default if text in ("%S", "%X", "%Y", "") else text
