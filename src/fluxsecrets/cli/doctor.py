"""`fluxsecrets doctor`."""

from __future__ import annotations

import click

from fluxsecrets import __version__
from fluxsecrets.cli.options import make_session, quiet_option
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option


@click.command("doctor")
@report_option
@quiet_option
@click.option("--env", "environment", metavar="NAME", help="Only what an environment's files need.")
def command(*, environment: str | None, report: str, quiet: bool) -> int:
    """Show what this clone and this machine lack, and how to fix it.

    It looks at versions, git, the configuration, the hooks, the drivers and their attributes, the history,
    the clock, key files and the keyring, programs and libraries if files or settings need them, your
    identities with the environments that they open, the agent if one runs, and the versions of Flux. Below
    each problem is a command that fixes it, or a hint. Nothing is changed, nothing is decrypted, and no
    passphrase is asked for.

    With --env, an environment that you can't open is a problem, too.

    Exit codes: 0 no problem, 1 there is one, 2 an error.
    """
    from fluxsecrets.cli.agent.talk import version_running
    from fluxsecrets.ops.doctor.examine import examine
    from fluxsecrets.ops.doctor.model import Health
    from fluxsecrets.report.doctor import FORMATS

    found = examine(make_session(), __version__, environment=environment, agent=version_running())
    Output(quiet=quiet).show(FORMATS[report](found))
    return 1 if found.count(Health.PROBLEM) else 0
