"""An agent that edits rules and files gains nothing by it: tools write by what is committed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fluxsecrets.mcp.reviewed import unreviewed
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient

from .conftest import SECRET

SET = {"path": SECRET, "key": "stringData.password", "generate": "password:32"}
BOB = json.loads(
    (Path(__file__).parents[1] / "vectors" / "keys" / "recipients.json").read_text(encoding="utf-8")
)["bob"]


@pytest.mark.parametrize("tool", ["set_generated_value", "propose_generated_value"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".sops.yaml", f"creation_rules:\n  - age: {BOB}\n"),
        ("apps/staging/.sops.yaml", f"creation_rules:\n  - age: {BOB}\n"),
        (".fluxsecrets.yaml", "age_plugins: [evil]\n"),
        ("keys/alice.pub", f"{BOB}\n"),
    ],
)
def test_nothing_is_written_by_rules_that_nobody_has_seen(repository, tool, name, text):
    repository.write(name, text)
    before = repository.state()
    assert "differs from the last commit" in repository.error(tool, **SET)
    assert repository.state() == before


def test_an_agent_does_not_choose_where_the_log_is(repository):
    repository.write(".fluxsecrets.yaml", "log: {file: apps/log.yaml}\n")
    before = repository.state()
    assert "decides what is logged" in repository.error("plan_rotation", all=True)
    assert not repository("list_secrets").failed
    assert repository.state() == before


def test_rules_that_git_ignores_count_too(repository):
    repository.write("apps/staging/.gitignore", ".sops.yaml\n")
    repository.write("apps/staging/.sops.yaml", f"creation_rules:\n  - age: {BOB}\n")
    assert "apps/staging/.sops.yaml differs" in repository.error("set_generated_value", **SET)


def test_rules_that_are_gone_count_too(repository):
    (repository.path / ".sops.yaml").unlink()
    assert unreviewed(repository.path) == (".sops.yaml",)


def test_a_recipient_that_was_slipped_into_the_file_gets_nothing(repository, cli, git):
    path = repository.path / SECRET
    text = path.read_text(encoding="utf-8")
    at = text.index("        - ") if "        - " in text else text.index("    - ")
    path.write_text(
        text[:at] + text[at:].replace("recipient: age1", f"recipient: {BOB} # age1", 1), encoding="utf-8"
    )
    assert "are not those of the last commit" in repository.error("set_generated_value", **SET)


def test_no_key_service_is_asked_meanwhile(repository):
    assert repository("status").content["warnings"] == []
    repository.write(
        ".sops.yaml", "creation_rules:\n  - hc_vault_transit_uri: https://evil.example/v1/a/keys/b\n"
    )
    (warning,) = repository("status").content["warnings"]
    assert warning == "no key service is asked, as .sops.yaml differs from the last commit"


@pytest.mark.parametrize(("offline", "now"), [(True, False), (False, True)])
def test_offline_means_that_services_are_no_providers(repository, offline, now):
    served = replace(repository.served, offline=offline)
    session = served.session(warn=print, offline=now, opens=True)
    assert session.asked_services is None
    recipient = Recipient("kms", "arn:aws:kms:eu-west-1:111122223333:key/some")
    answer = session.providers["kms"].unwrap(WrappedKey(recipient, "enc"))
    assert answer.reason == "AWS KMS keys are not used: this run is offline"
