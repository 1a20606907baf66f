"""Writes every command's `--help` into docs/commands.md, and the scanner's rules: `make docs`.

Help stands between `<!-- help: encrypt -->` and `<!-- end -->`, as the command prints it at 80 columns.
Tests compare the page with the live output, so it can't rot.
"""

import io
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from fluxsecrets.cli.app import run

PAGE = Path(__file__).with_name("commands.md")
AUDIT_PAGE = Path(__file__).with_name("audit-rules.md")
SCAN_PAGE = Path(__file__).with_name("scan.md")
RULES_PAGE = Path(__file__).with_name("scan-rules.md")
_BLOCK = re.compile(r"^<!-- help:(?P<command>[a-z -]*)-->\n.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)

_RULES_INTRODUCTION = """\
What `fluxsecrets scan` knows of the tokens of providers, and of private keys. A token is found in any file,
whatever it is called, and inside of base64. Where a format has a checksum or an inner structure, that is
checked: one that does not hold makes a finding less certain, but hides nothing. Whatever the token: once it
was pushed, take it for known, and make a new one; encrypting it afterwards does not help.

In a report and in `fluxsecrets:allow` a rule goes by the name that stands here as the heading.
"""

_AUDIT_INTRODUCTION = """\
What `fluxsecrets audit` looks for. In reports, in `--rule`, in `fluxsecrets:allow` and under `allow` of
`.fluxsecrets.yaml` a rule goes by the name that stands here as the heading, and `fluxsecrets rules show NAME`
prints the same. How bad a single finding is can differ from what stands here, where the place says more.
"""


def documented(page: str) -> list[str]:
    """The commands that the page has help for; the program as a whole is the empty string."""
    return [match["command"].strip() for match in _BLOCK.finditer(page)]


def with_help(page: str) -> str:
    """The page with every help block as it should be."""
    return _BLOCK.sub(lambda match: _block(match["command"].strip()), page)


def help_of(command: str) -> str:
    """What `fluxsecrets COMMAND --help` prints."""
    shown = io.StringIO()
    with patch.dict(os.environ, COLUMNS="80", NO_COLOR="1", TERM="dumb"), redirect_stdout(shown):
        code = run([*command.split(), "--help"])
    if code != 0:
        raise SystemExit(f"error: `fluxsecrets {command} --help` exited with {code}")
    return "\n".join(line.rstrip() for line in shown.getvalue().splitlines()).strip()


def _block(command: str) -> str:
    marker = f"<!-- help: {command} -->" if command else "<!-- help: -->"
    return f"{marker}\n```text\n{help_of(command)}\n```\n<!-- end -->"


def audit_rules_page() -> str:
    """The page of the audit's rules."""
    from fluxsecrets.audit.rule import Group
    from fluxsecrets.audit.rules import RULES, SCANNED_RULES

    lines = ["# Rules of the audit", "", *_AUDIT_INTRODUCTION.splitlines()]
    for group in Group:
        lines += ["", f"## {group.heading}"]
        rules = [each for each in RULES if each.group is group]
        scanned = [f"`{each.info.id}`" for each in rules if each.info.id in SCANNED_RULES]
        if scanned:
            lines += ["", *wrapped(f"As [`scan`](scan.md) finds them: {', '.join(scanned)}.")]
        for rule in (each for each in rules if each.info.id not in SCANNED_RULES):
            info, keys = rule.info, " Looks at values, where your identities open them." * rule.needs_keys
            text = f"{info.title[0].upper()}{info.title[1:]}: {info.severity}. {info.explanation}{keys}"
            lines += ["", f"### {info.id}", "", *wrapped(text), "", *wrapped(f"What to do: {info.fix}.")]
    return "\n".join(lines) + "\n"


def wrapped(text: str) -> list[str]:
    """The lines of a paragraph."""
    return textwrap.wrap(text, 118, break_long_words=False, break_on_hyphens=False)


def with_rules(page: str) -> str:
    """The page of the scanner with the rules between `<!-- rules -->` and `<!-- end -->`."""
    from fluxsecrets.scan.registry import STRUCTURE_RULES

    head, _, rest = page.partition("<!-- rules -->\n")
    lines = ["<!-- rules -->"]
    for rule in STRUCTURE_RULES:
        title = rule.title[:1].upper() + rule.title[1:]
        text = textwrap.fill(f"{title}, {rule.severity}. {rule.explanation}", 118)
        lines += [f"### {rule.id}", "", text, "", textwrap.fill(f"What to do: {rule.fix}", 118), ""]
    return head + "\n".join(lines) + "<!-- end -->" + rest.partition("<!-- end -->")[2]


def token_rules_page() -> str:
    """The page of token rules."""
    from fluxsecrets.scan import rules

    lines = ["# Token rules", "", *_RULES_INTRODUCTION.splitlines()]
    for module in dict.fromkeys(rule_groups(rules)):
        lines += ["", f"## {module.__doc__.splitlines()[0].partition(':')[0].rstrip('.')}"]
        for rule in module.RULES:
            text = textwrap.fill(f"{rule.title}, {rule.severity}. {rule.explanation}", 118)
            fix = textwrap.fill(f"What to do: {rule.fix}.", 118)
            lines += ["", f"### {rule.id}", "", text, "", fix]
    return "\n".join(lines) + "\n"


def rule_groups(rules: ModuleType) -> Iterator[ModuleType]:
    """The modules that the rules are from, in order."""
    for rule in rules.TOKEN_RULES:
        yield next(each for each in vars(rules).values() if rule in getattr(each, "RULES", ()))


def main() -> int:
    """Rewrite the pages."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(with_help(page), encoding="utf-8", newline="\n")
    AUDIT_PAGE.write_text(audit_rules_page(), encoding="utf-8", newline="\n")
    page = SCAN_PAGE.read_text(encoding="utf-8")
    SCAN_PAGE.write_text(with_rules(page), encoding="utf-8", newline="\n")
    RULES_PAGE.write_text(token_rules_page(), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
