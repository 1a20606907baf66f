"""Allowances: beside the value and in the settings, with reasons, and none of them silently of no use."""

from dataclasses import dataclass
from datetime import date

import pytest

from fluxsecrets.findings.allow import MARK, apply_allowances, find_inline

TODAY = date(2026, 11, 25)
ALLOW = MARK.decode()
"""Put in for ALLOW in texts, so that this file allows nothing itself."""
RULES = ("plain-secret", "github-token")


@dataclass(frozen=True)
class Entry:
    rule: str = "plain-secret"
    path: str = "docs/**"
    reason: str = "made-up values"
    expires: date | None = None
    line: int = 3


def applied(findings, text="", path="a.yaml", **more):
    more = {"today": TODAY, "rules": RULES, "known": RULES, **more}
    return apply_allowances(findings, inline=find_inline(text.replace("ALLOW", ALLOW).encode(), path), **more)


@pytest.mark.parametrize(
    "text",
    [
        "password: x # ALLOW plain-secret — made up",
        "password: x # ALLOW plain-secret – made up",
        "password: x # ALLOW plain-secret -- made up",
        "password: x # ALLOW plain-secret - made up",
        "password: x # ALLOW plain-secret: made up",
        "password: x # ALLOW github-token, plain-secret — made up",
        "password = x // ALLOW plain-secret — made up",
        "<p>x</p> <!-- ALLOW plain-secret — made up -->",
        "x = {{ y }} {{/* ALLOW plain-secret — made up */}}",
        "x\t/* ALLOW plain-secret — made up */",
        "password: x # ALLOW plain-secret — made up\r\nmore",
    ],
)
def test_a_comment_on_the_line_allows(make, text):
    result = applied([make()], text)
    assert result.kept == ()
    assert [(item.reason, item.line) for item in result.allowed] == [("made up", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "# ALLOW plain-secret — made up\npassword: x",
        "  # ALLOW plain-secret — made up\n\n  # something else\npassword: x",
        "<!-- ALLOW plain-secret — made up -->\n<p>x</p>",
        "{{- /* ALLOW plain-secret — made up */ -}}\npassword: x",
        "// ALLOW plain-secret — made up\nx",
        "; ALLOW plain-secret — made up\nx",
    ],
)
def test_a_comment_alone_on_its_line_allows_the_next_one(make, text):
    lines = text.count("\n") + 1
    assert applied([make(line=lines)], text).kept == ()
    assert applied([make(line=lines + 1)], text + "\nb").kept != ()


def test_a_comment_with_something_before_it_does_not_reach_the_next_line(make):
    text = "a: b # ALLOW plain-secret — made up\npassword: x"
    assert len(applied([make(line=2)], text).kept) == 1


def test_a_comment_at_the_key_allows_a_value_of_many_lines(make):
    text = "key: | # ALLOW plain-secret — made up\n  a\n  b"
    assert applied([make(line=3, allow_at=(1,))], text).kept == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x # ALLOW plain-secret", "gives no reason"),
        ("x # ALLOW plain-secret because", "gives no reason"),
        ("x # ALLOW plain-secret —  -->", "gives no reason"),
    ],
)
def test_an_incomplete_comment_allows_nothing_and_says_so(make, text, message):
    result = applied([make()], text)
    assert len(result.kept) == 1
    assert [(remark.problem, remark.line) for remark in result.remarks] == [("invalid", 1)]
    assert message in result.remarks[0].message


def test_an_incomplete_comment_beside_nothing_is_only_text(make):
    assert applied([], "x # ALLOW plain-secret").remarks == ()


@pytest.mark.parametrize("text", ["x # ALLOW", "x # ALLOW — why", "`ALLOW RULE — reason`"])
def test_the_mark_without_a_rule_is_only_spoken_of(make, text):
    result = applied([make()], text)
    assert len(result.kept) == 1
    assert result.remarks == ()


def test_a_comment_in_backticks_is_only_spoken_of(make):
    result = applied([make()], "x # write `ALLOW plain-secret — made up` here")
    assert len(result.kept) == 1
    assert result.remarks == ()


def test_another_rule_is_not_allowed(make):
    text = "x # ALLOW github-token — made up"
    result = applied([make()], text)
    assert len(result.kept) == 1
    assert [remark.problem for remark in result.remarks] == ["unused"]


def test_a_rule_that_does_not_exist_is_said(make):
    result = applied([], "x # ALLOW plain-secrets — made up")
    assert result.remarks[0].message == "there is no rule 'plain-secrets': see `fluxsecrets rules list`"


def test_a_rule_that_did_not_run_is_neither_unused_nor_unknown():
    result = applied([], "x # ALLOW old-key — made up", known=(*RULES, "old-key"))
    assert result.remarks == ()


def test_other_files_are_not_allowed(make):
    text = "x # ALLOW plain-secret — made up"
    assert len(applied([make(path="b.yaml")], text).kept) == 1


def test_an_entry_allows_by_rule_and_glob(make):
    findings = [make(path="docs/a/b.md"), make(path="a.yaml"), make(rule="github-token", path="docs/b.md")]
    result = applied(findings, listed=[Entry()])
    assert result.kept == tuple(findings[1:])
    assert [(item.finding, item.path, item.line) for item in result.allowed] == [
        (findings[0], ".fluxsecrets.yaml", 3)
    ]


@pytest.mark.parametrize(("expires", "kept"), [(TODAY, 0), (date(2026, 11, 24), 1), (None, 0)])
def test_an_entry_counts_through_its_last_day(make, expires, kept):
    result = applied([make(path="docs/a.md")], listed=[Entry(expires=expires)])
    assert len(result.kept) == kept
    assert [remark.problem for remark in result.remarks] == ["expired"] * kept


def test_an_unused_entry_is_said_when_everything_was_looked_at():
    assert applied([], listed=[Entry()]).remarks == ()
    remarks = applied([], listed=[Entry()], complete=True).remarks
    assert [(remark.path, remark.line, remark.problem) for remark in remarks] == [
        (".fluxsecrets.yaml", 3, "unused")
    ]


def test_entries_for_rules_of_others_are_left_alone():
    assert applied([], listed=[Entry(rule="old-identity")], complete=True).remarks == ()
