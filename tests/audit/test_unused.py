"""What is found in archives, examples and templates is not urgent, unless it is a password."""

import pytest

from audit_tree import look, repository, secret, write
from fluxsecrets.audit.engine import run_rules
from fluxsecrets.audit.rules import RULES
from fluxsecrets.findings import Severity

BY_ID = {rule.info.id: rule for rule in RULES}


@pytest.fixture
def severities(tmp_path):
    """The severities that some rules give to a Secret without a creation rule, by rule."""

    def severities(path, **more):
        case = repository(files={path: secret("any"), ".sops.yaml": RULES_OF_CLUSTERS, **more})
        write(tmp_path, case.files)
        found = run_rules(look(tmp_path, case), [BY_ID["secret-uncovered"], BY_ID["plain-secret"]])
        return {each.rule: each.severity for each in found if each.location.path == path}

    return severities


RULES_OF_CLUSTERS = (
    repository()
    .files[".sops.yaml"]
    .replace("  - encrypted_regex", "  - path_regex: ^clusters/\n    encrypted_regex")
)


@pytest.mark.parametrize("folder", ["archive/web", ".archive/web", "old", "apps/disabled", "archive-2023"])
def test_in_an_archive_only_the_password_is_urgent(severities, folder):
    found = severities(f"{folder}/secret.yaml")
    assert found == {"secret-uncovered": Severity.LOW, "plain-secret": Severity.HIGH}


@pytest.mark.parametrize("folder", ["docs/how", "tests/fixtures", "templates/config", "examples"])
def test_in_examples_nothing_is_urgent(severities, folder):
    found = severities(f"{folder}/secret.yaml")
    assert found == {"secret-uncovered": Severity.LOW, "plain-secret": Severity.MEDIUM}


@pytest.mark.parametrize("folder", ["apps/web", "clusters/staging/docs", "documents", "old-apps"])
def test_elsewhere_all_is(severities, folder):
    assert Severity.HIGH in severities(f"{folder}/secret.yaml").values()
