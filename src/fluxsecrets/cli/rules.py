"""`fluxsecrets rules`."""

from __future__ import annotations

import click

from fluxsecrets.cli.groups import SuggestingGroup
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.report.rules import LIST_FORMATS, RULE_FORMATS


@click.group("rules", cls=SuggestingGroup)
def command() -> None:
    """Show the rules of `scan` and `audit`, and what they mean.

    `fluxsecrets:allow`, the list `allow` in .fluxsecrets.yaml, and baselines use their names.
    """


@command.command("list", short_help="List every rule with its severity.")
@report_option
def list_rules(report: str) -> int:
    """List every rule with its severity."""
    from fluxsecrets.ops.checks.rules import known_rules

    Output().show(LIST_FORMATS[report](known_rules()))
    return 0


@command.command("show", short_help="Show what a rule means, and what to do.")
@click.argument("rule")
@report_option
def show_rule(rule: str, report: str) -> int:
    """Show what a rule means, why it matters, and what to do."""
    from fluxsecrets.ops.checks.rules import find_rule

    Output().show(RULE_FORMATS[report]([find_rule(rule)]))
    return 0
