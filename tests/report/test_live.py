"""A comparison with a cluster, in each format."""

import json
import re
import sys
from pathlib import Path

import pytest

from fluxsecrets.cli.output import Output
from fluxsecrets.cluster.model import Origin
from fluxsecrets.ops.live.checks import CHECKS
from fluxsecrets.ops.live.model import LiveFinding, LiveVerification, Standing, Subject
from fluxsecrets.report import findings, verify
from fluxsecrets.report.live import FORMATS
from jsonform import problems

RESUME = "`flux resume kustomization apps -n flux-system`"
PLACE = "apps/observability/overlays/staging/grafana-admin.yaml"


def finding(standing, name, message, **more):
    """A finding about a Secret."""
    return LiveFinding("secrets", standing, Subject("Secret", "observability", name), message, **more)


FOUND = (
    finding(
        Standing.INTENDED,
        "suspended",
        "'a' differs: its Kustomization flux-system/apps is suspended",
        hint=f"{RESUME} makes Flux apply it again",
    ),
    LiveFinding(
        "kustomizations",
        Standing.WRONG,
        Subject("Kustomization", "flux-system", "apps"),
        "it is suspended in the cluster only",
        hint=f"{RESUME} resumes it",
        path="clusters/staging/apps.yaml",
        line=3,
    ),
    finding(
        Standing.WRONG,
        "grafana-admin",
        "'admin-password', 'admin-user' differ; changed by kubectl-edit at 2026-11-24T17:03:00Z",
        hint="`flux reconcile kustomization observability -n flux-system --context waddle` puts it back",
        path=PLACE,
        line=1,
    ),
    LiveFinding(
        "secrets",
        Standing.UNKNOWN,
        None,
        "2 Secrets have values that can't be compared: none of your identities can decrypt them",
        hint="run this with a key that can",
        details=("apps/one", "apps/\x1b[31mtwo"),
    ),
)


def compared(found=FOUND, *, strict=False):
    """An environment whose comparison has these findings."""
    checks = tuple(each.info for each in CHECKS)
    origin = Origin("waddle", "https://10.0.0.1:6443")
    return LiveVerification(Path.cwd(), "staging", origin, checks, tuple(found), 12, 14, strict)


def shown(capsys, name, result, *, everything=False):
    """What is printed in a format."""
    capsys.readouterr()
    Output().show(FORMATS[name](result, everything, "1"))
    return capsys.readouterr()


def test_people_see_what_is_wrong_first_and_each_command_once(capsys, monkeypatch, snapshot):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    out, messages = shown(capsys, "text", compared())
    assert out == snapshot
    assert messages == (
        "staging: 12 Kustomizations and 14 Secrets compared: 2 wrong, 1 cannot be told, 1 intended\n"
    )
    assert all(len(line) <= 80 for line in out.splitlines() if "`" not in line)


def test_a_sound_cluster_is_one_line(capsys):
    summary = "staging: 12 Kustomizations and 14 Secrets compared: nothing is wrong\n"
    assert shown(capsys, "text", compared(())) == ("", summary)


def test_what_cannot_be_told_is_never_called_sound(capsys):
    unknown = [each for each in FOUND if each.standing is Standing.UNKNOWN]
    _, messages = shown(capsys, "text", compared(unknown))
    assert messages == "staging: 12 Kustomizations and 14 Secrets compared: 1 cannot be told\n"


def test_of_many_alike_a_few_are_shown(capsys):
    result = compared([finding(Standing.WRONG, f"s{at}", "the cluster does not have it") for at in range(30)])
    out, _ = shown(capsys, "text", result)
    assert (out.count("does not have it"), "and 27 more like this one" in out) == (3, True)
    out, _ = shown(capsys, "text", result, everything=True)
    assert out.count("does not have it") == 30


def test_of_many_details_a_few_are_shown(capsys):
    many = finding(
        Standing.UNKNOWN, "db", "can't be compared", details=tuple(f"apps/s{at}" for at in range(30))
    )
    out, _ = shown(capsys, "text", compared([many]))
    assert (out.count("apps/s"), "and 20 more\n" in out) == (10, True)
    assert shown(capsys, "text", compared([many]), everything=True)[0].count("apps/s") == 30


def test_json_has_the_documented_form(capsys):
    report = json.loads(shown(capsys, "json", compared())[0])
    assert problems(report) == []
    assert [each["standing"] for each in report["findings"]] == ["wrong", "wrong", "cannot tell", "intended"]
    assert report["summary"] == {
        "kustomizations": 12, "secrets": 14, "wrong": 2, "unknown": 1, "intended": 1,
    }  # fmt: skip
    assert (report["context"], report["dump"]) == ("waddle", None)


def test_the_formats_are_those_of_verify():
    assert list(FORMATS) == list(verify.FORMATS)


@pytest.mark.parametrize("name", [each for each in findings.FORMATS if each not in ("text", "json")])
def test_formats_of_findings_have_what_is_wrong_or_unknown(capsys, name):
    out, _ = shown(capsys, name, compared())
    assert "observability/grafana-admin" in out
    assert "t be compared" in out
    assert "\x1b" not in out


def test_what_is_intended_is_suppressed_in_sarif(capsys):
    run = json.loads(shown(capsys, "sarif", compared())[0])["runs"][0]
    suppressed = [bool(each.get("suppressions")) for each in run["results"]]
    assert sorted(suppressed) == [False, False, False, True]
    assert "secrets" in {each["id"] for each in run["tool"]["driver"]["rules"]}


def test_every_check_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| `([a-z-]+)` \|", page) == [each.info.id for each in CHECKS]


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 1)])
def test_what_cannot_be_told_counts_with_strict(strict, code):
    assert compared(FOUND[3:], strict=strict).exit_code == code
