"""Findings to work with."""

import pytest

from fluxsecrets.findings import Confidence, Finding, Location, Severity
from fluxsecrets.findings.fingerprint import fingerprint


@pytest.fixture
def make():
    """Makes a finding."""

    def make(rule="plain-secret", path="a.yaml", line=1, name="data.password", **more):
        return Finding(
            rule,
            Severity.HIGH,
            Confidence.HIGH,
            Location(path, line, 3),
            "a value in plain text",
            "encrypt it",
            fingerprint(rule, path, name),
            **more,
        )

    return make
