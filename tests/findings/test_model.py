"""The order of severities, and how places are shown."""

import pytest

from fluxsecrets.errors import UsageError
from fluxsecrets.findings import Confidence, Finding, Location, Severity
from fluxsecrets.findings.model import in_order


def test_severities_are_ordered_and_named():
    assert Severity.LOW < Severity.MEDIUM < Severity.HIGH < Severity.CRITICAL
    assert [str(each) for each in Severity] == ["low", "medium", "high", "critical"]
    assert f"{Severity.HIGH} {Confidence.LOW}" == "high low"
    assert Severity.parse("High") is Severity.HIGH


def test_an_unknown_severity_names_those_there_are():
    with pytest.raises(UsageError, match="severe") as caught:
        Severity.parse("severe")
    assert caught.value.hint == "the severities are low, medium, high, critical"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        (Location("a.yaml"), "a.yaml"),
        (Location("a.yaml", 3), "a.yaml:3"),
        (Location("a.yaml", 3, 7), "a.yaml:3:7"),
        (Location("a.yaml", None, 7), "a.yaml"),
        (Location("a.yaml", 3, 7, "0123456789abcdef"), "0123456789:a.yaml:3:7"),
    ],
)
def test_a_place_is_shown_as_far_as_it_is_known(location, shown):
    assert str(location) == shown


def test_findings_sort_by_place():
    def at(path, line):
        return Finding("r", Severity.LOW, Confidence.LOW, Location(path, line), "m", "h", "f")

    findings = [at("b", 1), at("a", 10), at("a", None), at("a", 2)]
    assert [str(item.location) for item in sorted(findings, key=in_order)] == ["a", "a:2", "a:10", "b:1"]
