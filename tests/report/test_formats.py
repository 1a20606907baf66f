"""Formats of output: what `--format` offers is what the tables of renderers hold."""

import click
import pytest

from fluxsecrets.cli.app import cli as group
from fluxsecrets.cli.output import Output
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.report import (
    agent,
    diff,
    doctor,
    environments,
    explain,
    extract,
    findings,
    hooks,
    init,
    keys,
    log,
    moved,
    propose,
    publish,
    readers,
    recover,
    rekey,
    render,
    resolve,
    results,
    review,
    rules,
    status,
    validation,
    values,
    verify,
    version,
)
from fluxsecrets.report.html.page import html_page
from fluxsecrets.report.page import Errors, Lines, Note, Table, Warn
from fluxsecrets.report.text import Cell

TABLES = {
    "init": init.LEFT_FORMATS,
    "encrypt": results.FORMATS,
    "decrypt": results.FORMATS,
    "propose": propose.FORMATS,
    "fold": propose.FOLD_FORMATS,
    "extract": extract.FORMATS,
    "publish": publish.FORMATS,
    "status": status.FORMATS,
    "explain": explain.FORMATS,
    "set": values.FORMATS,
    "unset": values.FORMATS,
    "diff": diff.FORMATS,
    "rotate": rekey.FORMATS,
    "recipients list": readers.LIST_FORMATS,
    "recipients add": rekey.FORMATS,
    "recipients remove": rekey.FORMATS,
    "recipients sync": rekey.FORMATS,
    "recipients report": readers.REPORT_FORMATS,
    "recipients exposure": readers.EXPOSURE_FORMATS,
    "seal": moved.FORMATS,
    "unseal": validation.FORMATS,
    "reseal": moved.FORMATS,
    "convert": moved.FORMATS,
    "audit": {**findings.FORMATS, "html": html_page},
    "scan": findings.FORMATS,
    "verify": verify.FORMATS,
    "render": render.FORMATS,
    "review": review.FORMATS,
    "env list": environments.LIST_FORMATS,
    "env suggest": environments.SUGGEST_FORMATS,
    "env show": environments.FORMATS,
    "env add": {"text": ..., "json": ...},
    "keys list": keys.FORMATS,
    "keys generate": keys.NEW_FORMATS,
    "keys import": keys.IMPORT_FORMATS,
    "keys remove": keys.REMOVED_FORMATS,
    "hook install": hooks.RESULT_FORMATS,
    "hook uninstall": hooks.RESULT_FORMATS,
    "hook status": hooks.STATE_FORMATS,
    "rules list": rules.LIST_FORMATS,
    "rules show": rules.RULE_FORMATS,
    "doctor": doctor.FORMATS,
    "version": version.FORMATS,
    "agent status": agent.FORMATS,
    "resolve": resolve.FORMATS,
    "recover": recover.FORMATS,
    "log": log.ENTRY_FORMATS,
    "log verify": log.VERDICT_FORMATS,
}


def offered(command=group, names=()):
    """The formats that commands offer, by command."""
    for each in command.params:
        if each.name == "report" and each.opts == ["--format"]:
            yield " ".join(names), each
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            yield from offered(command.get_command(click.Context(command), name), (*names, name))


def test_commands_offer_the_formats_that_there_are():
    found = {name: option.type.choices for name, option in offered()}
    assert {name: list(choices) for name, choices in found.items()} == {
        name: list(table) for name, table in TABLES.items()
    }
    assert {option.default for _, option in offered()} == {"text"}


PAGE = (
    Table([(Cell("a.yaml"), Cell("plain", "red"))]),
    Lines(["a line"]),
    Note("a note"),
    Warn("warning: careful"),
    Errors([FluxsecretsError("broken", path="a.yaml", hint="look")]),
)


@pytest.mark.parametrize(
    ("quiet", "messages"),
    [
        (False, "a note\nwarning: careful\nerror: a.yaml: broken\n  hint: look\n"),
        (True, "error: a.yaml: broken\n  hint: look\n"),
    ],
)
def test_what_belongs_to_the_result_goes_to_standard_output(quiet, messages, capsys):
    Output(quiet=quiet).show(PAGE)
    assert capsys.readouterr() == ("a.yaml   plain\na line\n", messages)
