"""`fluxsecrets verify`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
from fluxsecrets.errors import UsageError
from fluxsecrets.report.findings import FORMATS as FINDINGS_FORMATS


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """The options of a comparison with a cluster."""

    cluster: bool
    context: str | None
    kubeconfig: Path | None
    from_dump: Path | None
    any_cluster: bool
    save_dump: Path | None

    @property
    def asked(self) -> bool:
        """Whether a cluster is read, or a dump of one."""
        return self.cluster or self.from_dump is not None

    def refuse(self, *, every: bool) -> None:
        """Refuse options that contradict each other, or need another one.

        Raises:
            UsageError: they do.
        """
        if self.cluster and self.from_dump is not None:
            raise UsageError(
                "--cluster can't be combined with --from-dump", hint="compare with one of them at a time"
            )
        given = {
            "--context": self.context is not None,
            "--kubeconfig": self.kubeconfig is not None,
            "--any-cluster": self.any_cluster,
            "--save-dump": self.save_dump is not None,
        }
        for name, is_given in given.items():
            if is_given and not self.asked:
                raise UsageError(f"{name} needs --cluster", hint="add --cluster to compare with a cluster")
            if is_given and self.from_dump is not None and name in ("--context", "--kubeconfig"):
                raise UsageError(
                    f"{name} can't be combined with --from-dump", hint="a dump is read without kubectl"
                )
        if every and self.asked:
            raise UsageError(
                "--all-envs can't be combined with --cluster", hint="name one environment with --env"
            )


@click.command("verify")
@click.option("--env", "environment", metavar="NAME", help="The environment; default: all.")
@all_envs_option
@click.option("--all", "everything", is_flag=True, help="List every object, even if it is applied unchanged.")
@click.option("--strict", is_flag=True, help="Exit with 1 for what cannot be told, too.")
@click.option("--no-keys", is_flag=True, help="Decrypt nothing; check neither values nor MACs.")
@click.option("--cluster", is_flag=True, help="Compare with the cluster, which kubectl reads.")
@click.option(
    "--context",
    metavar="NAME",
    help="The cluster's context; default: the environment's in .fluxsecrets.yaml, or the current one.",
)
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The kubeconfig file; default: kubectl's.",
)
@click.option(
    "--from-dump",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Compare with the dump in this folder, of --save-dump or of kubectl.",
)
@click.option(
    "--save-dump",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Save what was read, without values, for --from-dump elsewhere.",
)
@click.option("--any-cluster", is_flag=True, help="Compare even if it seems to be another cluster.")
@flux_version_option
@findings_format_option
@report_file_option
@reports_option(FINDINGS_FORMATS)
@quiet_option
@takes(Reports, LiveOptions)
def command(
    reports: Reports,
    live: LiveOptions,
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

    No cluster is contacted without --cluster, and no key is needed. If your identities can decrypt files,
    their values and MACs are checked, too. Values are never shown.

    With --cluster, kubectl reads the environment's cluster, and the two are compared: whether the Secrets
    that Flux decrypts with hold a key for every file, whether Secrets have the values of the repository, and
    whether Kustomizations are suspended, failing or behind. --from-dump reads a dump of one. See
    docs/cluster.md.

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
    live.refuse(every=every_environment)
    if live.asked:
        from fluxsecrets.ops.live.verify import LiveRequest, verify_live
        from fluxsecrets.report.live import FORMATS as LIVE_FORMATS

        request = LiveRequest(
            environment,
            context=live.context,
            kubeconfig=live.kubeconfig,
            dump=live.from_dump,
            any_cluster=live.any_cluster,
            strict=strict,
            with_keys=not no_keys,
            save=live.save_dump,
        )
        compared = verify_live(make_session(), request)
        reports.write(Output(quiet=quiet), lambda name: LIVE_FORMATS[name](compared, everything, __version__))
        return compared.exit_code
    found = verify(make_session(), environment, with_keys=not no_keys, strict=strict)
    reports.write(Output(quiet=quiet), lambda name: FORMATS[name](found, everything, __version__))
    return found.exit_code
