"""Findings in the formats of CI systems: each is read by a strict reader, whatever files are called."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ciformats import GITLAB, QUALITY, commands, suites
from examples import scaled
from fluxsecrets.errors import FormatError
from fluxsecrets.findings import Confidence, Finding, Location, RuleInfo, Severity
from fluxsecrets.findings.allow import AllowedFinding, Remark
from fluxsecrets.ops.checks.excuses import Excuse
from fluxsecrets.report.findings import FORMATS
from fluxsecrets.report.found import Found
from fluxsecrets.report.markdown import LIMIT
from fluxsecrets.report.page import Lines
from markdown_pages import assert_harmless

HOSTILE = (
    "a\n::error::injected",
    "::stop-commands::x",
    "a,line=1:b%0A",
    '"><x/>&amp;]]>',
    "\x1b[31m\x00bell\x07\ufffe\uffff",
    "caf\udce9.yaml",
    "ä/日本.yaml",
    " -->",
)
RULE = RuleInfo(
    "plain-secret", "value of a Secret in plain text", Severity.HIGH, "why", "encrypt it", "scan.md"
)


def finding(
    path="app/secret.yaml",
    line=6,
    severity=Severity.HIGH,
    commit=None,
    message="data.password is in plain text",
):
    place = Location(path, line, None if line is None else 13, commit)
    known_by = f"{abs(hash((path, line))):032x}"
    return Finding(
        "plain-secret",
        severity,
        Confidence.HIGH,
        place,
        message,
        "encrypt it: `fluxsecrets encrypt FILE`",
        known_by,
        "data.password: ********",
    )


def found(findings=(), **more):
    values = {"known": (), "allowed": (), "remarks": (), "gone": (), **more}
    return Found(
        "scan", "1.0", Path("/repository"), 3, tuple(findings),
        summary="3 files scanned", rules=lambda: [RULE], listed=tuple(findings), **values,
    )  # fmt: skip


def text_of(form, what):
    blocks = list(FORMATS[form](what))
    return "".join(f"{line}\n" for block in blocks if isinstance(block, Lines) for line in block.lines)


EVERYTHING = found(
    [finding(), finding("b.yaml", None, Severity.LOW), finding("c.yaml", 1, Severity.MEDIUM, "ab" * 20)],
    known=(finding("known.yaml"),),
    allowed=(AllowedFinding(finding("allowed.yaml"), "made up", "allowed.yaml", 5, inline=True),),
    remarks=(Remark(".fluxsecrets.yaml", 3, "unused", "nothing is left: remove it"),),
    errors=(FormatError("may hold a Secret, and cannot be read", hint="fix it", path="broken.yaml", line=2),),
    excuses=(Excuse(".fluxsecrets.yaml", 4, "allows", "plain-secret", "d.yaml"),),
    remaining=("12 encrypted files: no identity",),
)


def test_junit():
    listed = suites(text_of("junit", EVERYTHING))
    assert listed == {
        "broken.yaml": [("not judged: line 2", "error")],
        "app/secret.yaml": [("plain-secret 6:13", "failure")],
        "b.yaml": [("plain-secret", "failure")],
        "c.yaml": [("plain-secret 1:13 in commit ababababab", "failure")],
        "known.yaml": [("plain-secret 6:13", "skipped")],
        "allowed.yaml": [("plain-secret 6:13", "skipped")],
        "fluxsecrets scan": [("not looked at: 12 encrypted files: no identity", "skipped")],
    }
    root = ET.fromstring(text_of("junit", EVERYTHING))
    failure = next(root.iter("failure"))
    assert failure.get("message") == "data.password is in plain text"
    assert "fluxsecrets encrypt app/secret.yaml" in failure.text
    assert "made up" in [each.get("message") for each in root.iter("skipped")][2]


def test_junit_without_findings_is_one_passed_test():
    assert suites(text_of("junit", found())) == {"fluxsecrets scan": [("3 files scanned", "passed")]}


def test_gitlab():
    report = json.loads(text_of("gitlab", EVERYTHING))
    jsonschema.validate(report, GITLAB)
    assert report["scan"]["status"] == "failure"
    messages = [(each["level"], each["value"]) for each in report["scan"]["messages"]]
    assert [level for level, _ in messages] == ["fatal", "info"]
    assert "broken.yaml" in messages[0][1]
    assert messages[1][1] == "not looked at: 12 encrypted files: no identity"
    listed = {each["location"]["file"]: each for each in report["vulnerabilities"]}
    assert set(listed) == {"app/secret.yaml", "b.yaml", "c.yaml", "known.yaml"}
    assert listed["app/secret.yaml"]["severity"] == "High"
    assert listed["app/secret.yaml"]["name"] == RULE.title
    assert listed["c.yaml"]["location"] == {"file": "c.yaml", "commit": {"sha": "ab" * 20}, "start_line": 1}
    assert "start_line" not in listed["b.yaml"]["location"]
    assert json.loads(text_of("gitlab", found()))["scan"]["status"] == "success"


def test_sarif_names_what_was_not_looked_at():
    [run] = json.loads(text_of("sarif", EVERYTHING))["runs"]
    [invocation] = run["invocations"]
    listed = [(each["level"], each["message"]["text"]) for each in invocation["toolExecutionNotifications"]]
    assert listed == [
        ("error", "may hold a Secret, and cannot be read"),
        ("note", "12 encrypted files: no identity"),
    ]


def test_code_quality():
    issues = json.loads(text_of("codequality", EVERYTHING))
    jsonschema.validate(issues, QUALITY)
    listed = {each["location"]["path"]: each for each in issues}
    assert listed["broken.yaml"]["severity"] == "blocker"
    assert listed["broken.yaml"]["location"]["lines"]["begin"] == 2
    assert listed["app/secret.yaml"]["severity"] == "critical"
    assert "allowed.yaml" not in listed
    assert len({each["fingerprint"] for each in issues}) == len(issues)
    assert json.loads(text_of("codequality", found())) == []


def test_github_shows_the_worst_first():
    *read, unseen = commands(text_of("github", EVERYTHING))
    assert unseen == ("notice", {"title": "not looked at"}, "12 encrypted files: no identity")
    assert [(level, pairs["file"]) for level, pairs, _ in read] == [
        ("error", "broken.yaml"),
        ("error", "app/secret.yaml"),
        ("warning", "c.yaml"),
        ("notice", "b.yaml"),
        ("warning", ".fluxsecrets.yaml"),
        ("warning", ".fluxsecrets.yaml"),
    ]
    _level, pairs, message = read[1]
    assert pairs == {"file": "app/secret.yaml", "line": "6", "col": "13", "title": "plain-secret"}
    assert message.startswith("data.password is in plain text; encrypt it")
    assert "line" not in read[3][1]
    assert text_of("github", found()) == ""


def test_github_has_one_annotation_for_what_has_one_remedy_in_a_file():
    many = [finding(line=line) for line in range(6, 30)]
    [first, other] = commands(text_of("github", found([*many, finding("b.yaml")])))
    assert first[1]["line"] == "6"
    assert "in plain text, and 23 more (lines 7, 8, 9, 10, 11, 12, 13, 14, …); encrypt it" in first[2]
    assert other[1]["file"] == "b.yaml"


def test_markdown_shows_the_worst_first():
    text = text_of("markdown", EVERYTHING)
    page = assert_harmless(text)
    rows = [line.split(" | ")[:2] for line in text.splitlines() if line.startswith("| ")]
    assert rows[2:] == [
        ["| high", "`app/secret.yaml:6:13`"],
        ["| medium", f"`{'ab' * 5}:c.yaml:1:13`"],
        ["| low", "`b.yaml`"],
    ]
    assert "`fluxsecrets encrypt app/secret.yaml`" in text
    assert "not judged: broken.yaml:2: may hold a Secret, and cannot be read" in page.text
    assert "new excuse: .fluxsecrets.yaml:4: what is scanned brings its own excuse" in page.text
    assert "1 known to the baseline, 1 allowed" in page.text
    assert "not looked at: 12 encrypted files: no identity" in page.text
    assert "|" not in text_of("markdown", found())


def test_markdown_fits_into_a_comment_and_counts_the_rest():
    many = [
        finding(f"{'日' * 60}/{number}.yaml", severity=Severity(1 + number % 4)) for number in range(3000)
    ]
    errors = [FormatError("broken " * 300, path=f"{number}.yaml") for number in range(500)]
    text = text_of("markdown", found(many, errors=errors))
    assert len(text.encode()) <= LIMIT
    rows = [line for line in text.splitlines() if line.startswith(("| critical", "| high"))]
    assert all("critical" in row for row in rows)
    shown = sum(line.startswith("- **not judged**") for line in text.splitlines())
    assert f"- and {500 - shown} more lines" in text
    assert f"- and {3000 - len(rows)} more lines" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_file_names_stay_file_names(name):
    what = found(
        [finding(name, message=f"a value in {name} is in plain text")],
        known=(finding(f"known {name}"),),
        allowed=(AllowedFinding(finding(f"allowed {name}"), f"because of {name}", name, 5),),
        remarks=(Remark(name, 1, "unused", f"see {name}"),),
        errors=(FormatError(f"broken {name}", path=name, hint=f"look at {name}"),),
    )
    assert [len(cases) for cases in suites(text_of("junit", what)).values()] == [2, 1, 1]
    for form, schema in (("gitlab", GITLAB), ("codequality", QUALITY)):
        text = text_of(form, what)
        report = json.loads(text)
        jsonschema.validate(report, schema)
        json.dumps(report, ensure_ascii=False).encode("utf-8")  # no lone surrogate
    assert_harmless(text_of("markdown", what))
    read = commands(text_of("github", what))
    assert [level for level, _, _ in read] == ["error", "error", "warning"]
    shown = read[1][1]["file"]
    assert "\x1b" not in text_of("github", what)
    if name.isprintable():
        assert shown == name


@settings(max_examples=scaled(30))
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_and_message_can_be_read_again(name, message):
    what = found([finding(name or "x", message=message)], errors=(FormatError(message, path=name),))
    suites(text_of("junit", what))
    assert len(commands(text_of("github", what))) == 2
    jsonschema.validate(json.loads(text_of("gitlab", what)), GITLAB)
    jsonschema.validate(json.loads(text_of("codequality", what)), QUALITY)
    assert_harmless(text_of("markdown", what))


def test_a_file_in_an_archive_is_shown_at_the_archive():
    what = found([finding("old/backup.zip!etc/db.yaml")])
    [(_, places, text)] = commands(text_of("github", what))
    assert (places["file"], "line" in places) == ("old/backup.zip", False)
    assert "data.password is in plain text (in etc/db.yaml:6)" in text
    [vulnerability] = json.loads(text_of("gitlab", what))["vulnerabilities"]
    assert vulnerability["location"].items() >= {"file": "old/backup.zip"}.items()
    assert "start_line" not in vulnerability["location"]
    assert vulnerability["description"].endswith("(in etc/db.yaml:6)")
    [issue] = json.loads(text_of("codequality", what))
    assert issue["location"]["path"] == "old/backup.zip"
    [result] = json.loads(text_of("sarif", what))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "old/backup.zip"
    assert "(in etc/db.yaml:6);" in result["message"]["text"]
