"""`fluxsecrets version`."""

from __future__ import annotations

import click

from fluxsecrets import __version__
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option


@click.command("version")
@report_option
def command(*, report: str) -> int:
    """Show the versions of the program, of Python and of the libraries.

    A bug report needs them. They name no path and no user. `fluxsecrets --version` prints one line.
    """
    from fluxsecrets.ops.doctor.versions import find_versions
    from fluxsecrets.report.version import FORMATS

    Output().show(FORMATS[report](find_versions(__version__)))
    return 0
