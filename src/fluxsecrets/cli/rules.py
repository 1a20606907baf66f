"""`fluxsecrets rules`."""

from __future__ import annotations

import click

from fluxsecrets.cli.groups import SuggestingGroup
from fluxsecrets.cli.output import Output
from fluxsecrets.cli.reportoptions import report_option
from fluxsecrets.errors import UsageError
from fluxsecrets.findings import RuleInfo
from fluxsecrets.report.rules import LIST_FORMATS, RULE_FORMATS


def known_rules() -> tuple[RuleInfo, ...]:
    """Every rule of the program."""
    from fluxsecrets.audit.rules import RULES
    from fluxsecrets.scan.registry import all_rules

    return tuple(dict.fromkeys((*all_rules(), *(rule.info for rule in RULES))))


@click.group("rules", cls=SuggestingGroup)
def command() -> None:
    """Show the rules of `scan` and `audit`, and what they mean.

    `fluxsecrets:allow`, the list `allow` in .fluxsecrets.yaml, and baselines use their names.
    """


@command.command("list", short_help="List every rule with its severity.")
@report_option
def list_rules(report: str) -> int:
    """List every rule with its severity."""
    Output().show(LIST_FORMATS[report](known_rules()))
    return 0


@command.command("show", short_help="Show what a rule means, and what to do.")
@click.argument("rule")
@report_option
def show_rule(rule: str, report: str) -> int:
    """Show what a rule means, why it matters, and what to do."""
    rules = {each.id: each for each in known_rules()}
    found = rules.get(rule)
    if found is None:
        import difflib

        near = difflib.get_close_matches(rule, rules, n=1)
        raise UsageError(
            f"there is no rule {rule!a}",
            hint=f"did you mean {near[0]}?" if near else "see `fluxsecrets rules list`",
        )
    Output().show(RULE_FORMATS[report]([found]))
    return 0
