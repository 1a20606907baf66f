"""The comment on a pull request: harmless, bounded, and with anchors that stay."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples import scaled
from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.model import AccessChange
from fluxsecrets.report.markdown import LIMIT
from fluxsecrets.report.page import Lines
from fluxsecrets.report.review_markdown import MARKER, markdown_page
from markdown_pages import ATTACKS, assert_harmless
from reviews import EVERYTHING, item, review
from tables import each_row


def text_of(what):
    return "".join(
        f"{line}\n" for block in markdown_page(what) if isinstance(block, Lines) for line in block.lines
    )


def page_of(what):
    text = text_of(what)
    assert text.splitlines()[0] == MARKER
    assert len(text.encode("utf-8")) <= LIMIT
    return assert_harmless(text, [MARKER[4:-3]])


def test_the_comment(snapshot):
    assert text_of(EVERYTHING) == snapshot


def test_each_item_has_an_anchor():
    ids = page_of(EVERYTHING).ids
    assert len(set(ids)) == len(EVERYTHING.items)
    moved = replace(
        EVERYTHING, items=tuple(replace(each, line=900) for each in EVERYTHING.items), head="0000000"
    )
    assert page_of(moved).ids == ids


def test_severe_environments_are_open():
    opened = re.findall(r"<details( open)?>\n<summary><code>(.*?)</code>", text_of(EVERYTHING))
    assert opened == [
        (" open", "production"),
        (" open", "production, staging"),
        ("", "outside every environment"),
    ]


@pytest.mark.parametrize(
    ("fail_on", "severity", "decision"),
    [
        (Severity.HIGH, Severity.HIGH, True),
        (Severity.CRITICAL, Severity.HIGH, False),
        (None, Severity.CRITICAL, False),
    ],
)
def test_a_decision_is_asked_for_if_the_review_fails(fail_on, severity, decision):
    assert (
        "needs a decision" in page_of(review([item(severity=severity)], fail_on=fail_on)).text
    ) is decision


def test_no_change_is_not_fine_if_something_was_not_looked_at():
    assert "not everything" not in page_of(review()).text
    page = page_of(review(unseen=("12 files: no identity",)))
    assert "not everything was looked at" in page.text
    assert "12 files: no identity" in page.text


@each_row("text", ATTACKS)
def test_nothing_of_the_repository_does_anything(text):
    what = review(
        [
            item(
                text,
                Severity.HIGH,
                (text,),
                text,
                3,
                text,
                text,
                (text, text),
                f"run `cmd FILE` {text}",
                text,
            ),
            item(severity=Severity.LOW, title="the end", anchor="end"),
        ],
        access=(AccessChange(text, text, text, (text,) * 5, (text,)),),
        unseen=(text,),
        range=text,
        base=text,
        head=text,
    )
    page = page_of(what)
    assert page.tags <= {
        *("h3", "h4", "p", "strong", "code", "ul", "li", "a", "details", "summary"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert page.html.count("<details") == page.html.count("</details>") == 2
    assert "low: the end" in page.text
    assert all(re.fullmatch("[A-Za-z0-9-]*", each) for each in page.ids)


@settings(max_examples=scaled(50))
@given(st.lists(st.text(max_size=30), min_size=6, max_size=6))
def test_nothing_at_all_does_anything(texts):
    title, path, what, detail, hint, name = texts
    page_of(
        review(
            [
                item(
                    "kind",
                    path=path,
                    what=what,
                    title=title,
                    details=(detail,),
                    hint=hint,
                    environments=(name,),
                )
            ],
            access=(AccessChange(name, name, name, (path,), ()),),
            unseen=(detail,),
        )
    )


def test_what_does_not_fit_is_counted():
    many = [
        item(
            severity=Severity(1 + number % 4),
            environments=(f"environment-{number % 50}",),
            path=f"日本/{number}.yaml",
            details=("a long line of words " * 60,) * 20,
            title=f"item {number}",
            anchor=str(number),
        )
        for number in range(2000)
    ]
    access = tuple(AccessChange("x" * 500, "x", "y" * 500, ("z" * 5000,) * 5, ()) for _ in range(500))
    what = review(many, access=access, unseen=("word " * 500,) * 500)
    page = page_of(what)
    shown = len(page.ids)
    assert 50 < shown < 500
    assert f"And {2000 - shown} more items: run fluxsecrets review origin/main..HEAD" in page.text
    assert page.text.count("critical: ") >= shown
    assert {int(each) % 4 for each in page.ids} == {3}
    listed = len([each for each in page.html.split("<tr>") if "<td>" in each])
    assert f"and {500 - listed} more rows" in page.text
    assert re.search(r"and \d+ more lines", page.text)


def test_one_item_of_any_size_fits():
    huge = "x" * 100_000
    page = page_of(
        review([item(huge, Severity.HIGH, (huge,), huge, 1, huge, huge, (huge,) * 99, huge, huge)])
    )
    assert page.text.count("high") >= 2
