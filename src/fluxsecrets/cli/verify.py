"""`fluxsecrets verify`."""

from __future__ import annotations

import click

from fluxsecrets.cli.findings import (
    all_envs_option,
    findings_format_option,
    refuse_both,
    report_file_option,
    reports_option,
)
from fluxsecrets.cli.options import flux_version_option, make_session, quiet_option, takes
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportfile import Reports
from fluxsecrets.report.findings import FORMATS as FINDINGS_FORMATS


@click.command("verify")
@click.option("--env", "environment", metavar="NAME", help="The environment; default: all.")
@all_envs_option
@click.option("--all", "everything", is_flag=True, help="List every object, even if it is applied unchanged.")
@click.option("--strict", is_flag=True, help="Exit with 1 for what cannot be told, too.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing; check neither values nor MACs.")
@flux_version_option
@findings_format_option
@report_file_option
@reports_option(FINDINGS_FORMATS)
@quiet_option
@takes(Reports)
def command(
    reports: Reports,
    *,
    environment: str | None,
    every_environment: bool,
    everything: bool,
    strict: bool,
    no_keys: bool,
    quiet: bool,
) -> int:
    """Show what Flux would do with each Kustomization of an environment, or of all.

    Each Kustomization has one verdict:

    \b
      applied         as it is written
      altered         applied, but not as it is written
      ciphertext      applied, with a ciphertext as if it were the value
      fails           Flux applies nothing of it
      cannot be told  it depends on something outside of the repository

    The reason is in Flux's words, with the file and line. Below are the objects that Flux decrypts, and those
    that need attention; of many with one cause, the first few.

    No cluster is contacted, and no key is needed. If your identities can decrypt files, their values and MACs
    are checked, too. Values are never shown.

    In CI, use --strict: what cannot be told counts as wrong. `verify: accept:` in .fluxsecrets.yaml names
    what your team knows of.

    Exit codes: 0 all is as intended, 1 something is not, or nothing says which key a cluster has, or
    something can't be told and --strict is given, 2 an error.
    """  # noqa: D301 - click's mark
    from fluxsecrets import __version__
    from fluxsecrets.ops.checks.verify import verify
    from fluxsecrets.report.verify import FORMATS

    reports.refuse()
    refuse_both(environment, every=every_environment)
    found = verify(make_session(), environment, with_keys=not no_keys, strict=strict)
    reports.write(Output(quiet=quiet), lambda name: FORMATS[name](found, everything, __version__))
    return found.exit_code
