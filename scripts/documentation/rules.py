"""The rules of `scan`, `audit` and `review`, as pages and parts of pages; each rule has its heading."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType


def pages(docs: Path) -> dict[str, str]:
    """Return the pages with rules, by path below docs/."""
    return {
        "audit-rules.md": audit_rules_page(),
        "scan-rules.md": token_rules_page(),
        "scan.md": with_rules((docs / "scan.md").read_text(encoding="utf-8")),
        "review.md": with_kinds((docs / "review.md").read_text(encoding="utf-8")),
    }


_RULES_INTRODUCTION = """\
The tokens of providers and the private keys that `fluxsecrets scan` knows. It finds a token in a file of any
name, and inside base64. If a format has a checksum or an inner structure, the scan checks it. A mismatch
makes the finding less certain, but does not hide it. Once a token was pushed, treat it as known and create a
new one; encrypting it afterwards does not help.

Reports and `fluxsecrets:allow` use the headings below as the rules' names.
"""

_AUDIT_INTRODUCTION = """\
The rules of `fluxsecrets audit`. Reports, `--rule`, `fluxsecrets:allow` and `allow` in `.fluxsecrets.yaml`
use the headings below as the rules' names. `fluxsecrets rules show NAME` prints the same text. The severity
of a single finding can differ, depending on its place.
"""


def audit_rules_page() -> str:
    """Return the page of the audit's rules."""
    from fluxsecrets.audit.rule import Group
    from fluxsecrets.audit.rules import RULES, SCANNED_RULES

    lines = ["# Rules of the audit", "", *_AUDIT_INTRODUCTION.splitlines()]
    for group in Group:
        lines += ["", f"## {group.heading}"]
        rules = [each for each in RULES if each.group is group]
        scanned = [f"`{each.info.id}`" for each in rules if each.info.id in SCANNED_RULES]
        if scanned:
            lines += ["", *wrapped(f"[`scan`](scan.md) has these rules too: {', '.join(scanned)}.")]
        for rule in (each for each in rules if each.info.id not in SCANNED_RULES):
            info, keys = rule.info, " Checks values, if your identities can decrypt them." * rule.needs_keys
            text = f"{info.title[0].upper()}{info.title[1:]}: {info.severity}. {info.explanation}{keys}"
            lines += ["", f"### {info.id}", "", *wrapped(text), "", *wrapped(f"What to do: {info.fix}.")]
    return "\n".join(lines) + "\n"


def wrapped(text: str) -> list[str]:
    """Return the lines of a paragraph."""
    return textwrap.wrap(text, 118, break_long_words=False, break_on_hyphens=False)


def with_rules(page: str) -> str:
    """Return the scanner's page with the rules between `<!-- rules -->` and `<!-- end -->`."""
    from fluxsecrets.scan.registry import STRUCTURE_RULES

    head, _, rest = page.partition("<!-- rules -->\n")
    lines = ["<!-- rules -->"]
    for rule in STRUCTURE_RULES:
        title = rule.title[:1].upper() + rule.title[1:]
        text = textwrap.fill(f"{title}, {rule.severity}. {rule.explanation}", 118)
        lines += [f"### {rule.id}", "", text, "", textwrap.fill(f"What to do: {rule.fix}", 118), ""]
    return head + "\n".join(lines) + "<!-- end -->" + rest.partition("<!-- end -->")[2]


def with_kinds(page: str) -> str:
    """Return the page of the review with the kinds between `<!-- kinds -->` and `<!-- end -->`."""
    from fluxsecrets.ops.review.kinds import KINDS

    head, _, rest = page.partition("<!-- kinds -->\n")
    lines = ["<!-- kinds -->"]
    for info in (kind.info for kind in KINDS):
        title = f"{info.title[0].upper()}{info.title[1:]}"
        lines += [f"### {info.id}", "", *wrapped(f"{title}: {info.severity}. {info.explanation}"), ""]
        if info.fix:
            lines += [*wrapped(f"What to do: {info.fix}."), ""]
    return head + "\n".join(lines) + "<!-- end -->" + rest.partition("<!-- end -->")[2]


def token_rules_page() -> str:
    """Return the page of token rules."""
    from fluxsecrets.scan import rules

    count = f"There are {len(rules.TOKEN_RULES)} of them."
    lines = ["# Token rules", "", *_RULES_INTRODUCTION.splitlines(), "", count]
    for module in dict.fromkeys(rule_groups(rules)):
        lines += ["", f"## {module.__doc__.splitlines()[0].partition(':')[0].rstrip('.')}"]
        for rule in module.RULES:
            text = textwrap.fill(f"{rule.title}, {rule.severity}. {rule.explanation}", 118)
            fix = textwrap.fill(f"What to do: {rule.fix}.", 118)
            lines += ["", f"### {rule.id}", "", text, "", fix]
    return "\n".join(lines) + "\n"


def rule_groups(rules: ModuleType) -> Iterator[ModuleType]:
    """Yield the rules' modules, in order."""
    for rule in rules.TOKEN_RULES:
        yield next(each for each in vars(rules).values() if rule in getattr(each, "RULES", ()))
