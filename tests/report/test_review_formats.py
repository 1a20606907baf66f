"""A review in all other formats: text, JSON, and those of findings."""

import json
from dataclasses import replace

import jsonschema
import pytest

from ciformats import GITLAB, QUALITY, commands, suites
from fluxsecrets.cli.output import Output
from fluxsecrets.findings import Severity
from fluxsecrets.report.findings import FORMATS as OF_FINDINGS
from fluxsecrets.report.review import FORMATS
from jsonform import problems
from markdown_pages import ATTACKS
from reviews import EVERYTHING, item, review


def shown(form, what, capsys):
    Output().show(FORMATS[form](what, "1.0"))
    return capsys.readouterr()


def test_the_formats_are_those_of_findings():
    assert list(FORMATS) == list(OF_FINDINGS)


def test_text(capsys, snapshot):
    out, err = shown("text", EVERYTHING, capsys)
    assert out == snapshot
    assert err == "origin/main..HEAD: 1 critical, 1 high, 1 medium, 1 low in 7 changed files\n"


@pytest.mark.parametrize("columns", [72, 80])
def test_text_fits_a_terminal(columns, capsys, monkeypatch):
    monkeypatch.setattr("fluxsecrets.cli.output.width", lambda *_: columns)
    out, _ = shown("text", EVERYTHING, capsys)
    assert max(map(len, out.splitlines())) <= columns


def test_text_without_anything(capsys):
    assert shown("text", review(), capsys) == (
        "",
        "origin/main..HEAD: no change to secrets in 7 changed files\n",
    )


def test_long_details_are_counted(capsys):
    out, _ = shown("text", review([item(details=tuple(map(str, range(40))))]), capsys)
    assert "and 28 more lines: --format json has all" in out


def test_what_items_of_one_file_have_in_common_is_shown_once(capsys):
    items = [
        item("plain-text", title=f"value {number}", hint="encrypt it: `fluxsecrets encrypt FILE`")
        for number in "12"
    ]
    out, _ = shown("text", review(items), capsys)
    assert out.count("hint: encrypt it") == out.count("plain-text") == 1
    assert out.index("value 2") < out.index("plain-text") < out.index("hint: encrypt it")
    out, _ = shown("markdown", review(items), capsys)
    assert out.count("**To do**") == 1
    assert out.index("value 2") < out.index("**To do**")


def test_json_has_everything(capsys):
    data = json.loads(shown("json", EVERYTHING, capsys).out)
    assert problems(data) == []
    assert (data["version"], data["command"]) == (2, "review")
    assert data["summary"] == {"files": 7, "items": 4, "critical": 1, "high": 1, "medium": 1, "low": 1}
    assert (data["fails"], data["fail_on"]) == (True, "high")
    first = data["items"][0]
    assert first["hint"].endswith("`fluxsecrets recipients remove mallory` if nobody knows")
    assert first["environments"] == ["production"]
    assert data["items"][3]["hint"] == "encrypt it: `fluxsecrets encrypt talos/new.yaml`"
    assert data["items"][3]["line"] is None
    assert data["access"][0]["gained"] == [f"apps/{name}.yaml" for name in "abcde"]
    assert data["unseen"] == list(EVERYTHING.unseen)


def test_annotations_are_beside_the_lines_and_the_worst_come_first(capsys):
    *read, unseen = commands(shown("github", EVERYTHING, capsys).out)
    assert [(level, pairs["title"], pairs.get("line")) for level, pairs, _ in read] == [
        ("error", "access-gained", "6"),
        ("error", "selector-weakened", "4"),
        ("warning", "plain-secret", None),
        ("notice", "value-changed", "9"),
    ]
    assert read[0][2].startswith(
        "production: Secret apps/database: mallory can decrypt 3 more files; ask who"
    )
    assert unseen[1] == {"title": "not looked at"}


def test_fingerprints_stay_while_lines_move_and_commits_are_pushed(capsys):
    def known_by(what):
        [run] = json.loads(shown("sarif", what, capsys).out)["runs"]
        return [each["partialFingerprints"]["fluxsecrets/v1"] for each in run["results"]]

    moved = replace(
        EVERYTHING,
        items=tuple(replace(each, line=900, details=()) for each in EVERYTHING.items),
        head="0000000",
    )
    assert known_by(moved) == known_by(EVERYTHING)
    assert len(set(known_by(EVERYTHING))) == 4
    assert len(set(known_by(review([EVERYTHING.items[0]] * 3)))) == 3


@pytest.mark.parametrize("text", ATTACKS)
def test_text_of_the_repository_stays_text(text, capsys):
    what = review(
        [item(text, Severity.HIGH, (text,), text, 3, text, text, (text,), text, text)],
        unseen=(text,),
        range=text,
        base=text,
        head=text,
    )
    assert len(commands(shown("github", what, capsys).out)) == 2
    assert sum(map(len, suites(shown("junit", what, capsys).out).values())) == 2
    jsonschema.validate(json.loads(shown("gitlab", what, capsys).out), GITLAB)
    jsonschema.validate(json.loads(shown("codequality", what, capsys).out), QUALITY)
    assert "\x1b" not in shown("text", what, capsys).out
    assert shown("json", what, capsys).out.isascii()
