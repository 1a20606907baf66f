"""`fluxsecrets verify`."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsecrets.cli.findings import findings_format_option, report_file_option
from fluxsecrets.cli.options import flux_version_option, make_session, quiet_option
from fluxsecrets.cli.output import Output


@click.command("verify")
@click.option("--env", "environment", metavar="NAME", help="The environment; default: all.")
@click.option("--all", "everything", is_flag=True, help="Also list objects that are applied unchanged.")
@click.option("--strict", is_flag=True, help="Exit with 1 for what cannot be told, too.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing, and skip MACs and values.")
@flux_version_option
@findings_format_option
@report_file_option
@quiet_option
def command(
    *,
    environment: str | None,
    everything: bool,
    strict: bool,
    no_keys: bool,
    report: str,
    output: Path | None,
    quiet: bool,
) -> int:
    """Show what Flux would do with each Kustomization of an environment, or of all.

    A Kustomization is applied, applied with a ciphertext, or fails, so that Flux applies nothing of it. The
    reason has Flux's words, with file and line. Below are the objects that Flux decrypts, and those that are
    not as wanted. No cluster is contacted. If your identities can open files, their values are looked at,
    and never shown.

    What the repository alone does not tell is listed as such, and never counts as right. In CI, use
    --strict. `verify: accept:` in .fluxsecrets.yaml names what your team knows of.

    Exit codes: 0 all is as intended, 1 something is not, or nothing says which key a cluster has, or
    something can't be told and --strict is given, 2 an error.
    """
    from fluxsecrets import __version__
    from fluxsecrets.cli.reportfile import refuse_output, show_report
    from fluxsecrets.ops.checks.verify import verify
    from fluxsecrets.report.verify import FORMATS

    refuse_output(output)
    found = verify(make_session(), environment, with_keys=not no_keys, strict=strict)
    show_report(Output(quiet=quiet), FORMATS[report](found, everything, __version__), output)
    return found.exit_code
