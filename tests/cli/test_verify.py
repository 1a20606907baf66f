"""`fluxsecrets verify`."""

import json
import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from audit_tree import CLUSTER, RULES, cluster, encrypted, kustomization, repository, secret, write

CASES = Path(__file__).parents[1] / "audit" / "cases"


@pytest.fixture
def made(tmp_path, act_as, monkeypatch):
    """Writes a case, and makes the test be alice in it."""

    def made(case):
        write(tmp_path, case.files)
        monkeypatch.chdir(tmp_path)
        act_as("alice")
        return tmp_path

    return made


def problems(cli, *args):
    """What is wrong, by file; and the verdicts."""
    found = json.loads(cli("verify", "--env", "staging", "--format", "json", *args).stdout)
    return {
        item["path"].rpartition("/")[2]: (item["verdict"], item["problem"])
        for item in found["items"]
        if item["problem"] is not None
    }


def test_the_example_comes_out_as_it_was_meant(waddle, cli, snapshot):
    assert cli("encrypt").exit_code == 0
    result = cli("verify", "--env", "staging")
    assert result.exit_code == 0
    shown = re.sub(r":\d+ +", ":N ", result.stdout)  # how long a block of recipients is can differ
    assert f"{shown}---\n{result.stderr}" == snapshot


def test_a_plain_secret_is_not_what_was_meant(waddle, cli):
    result = cli("verify", "--env", "staging")
    assert result.exit_code == 1
    assert "plain Secret" in result.stdout
    assert "throwaway" not in result.stdout
    assert result.stderr == "staging: 47 applied, 13 plain Secret, 1 sealed; 13 are not as wanted\n"


def test_what_is_applied_as_it_is_can_be_seen(waddle, cli):
    assert "Cluster databases/postgres" not in cli("verify", "--env", "staging").stdout
    assert "Cluster databases/postgres" in cli("verify", "--env", "staging", "--all").stdout


def test_what_flux_would_not_decrypt(made, cli, snapshot):
    made(runpy.run_path(str(CASES / "ciphertext_applied.py"))["TRIGGERS"])
    assert problems(cli) == snapshot
    assert cli("verify", "--env", "staging").exit_code == 1


def test_nothing_is_decrypted_without_being_told(made, cli):
    made(repository(files=cluster(decryption=False)))
    assert problems(cli) == {"db.yaml": ("fails", "the Kustomization has no spec.decryption")}


def test_whose_key_it_is_is_known(made, cli):
    made(repository(files={"clusters/staging/other.yaml": encrypted(secret("other"), "alice", "bob")}))
    assert problems(cli) == {"other.yaml": ("fails", "none of the cluster's keys opens it")}
    assert "with cluster-staging" in cli("verify", "--env", "staging").stdout


def keyless(**options):
    """A repository in which nothing says which key the cluster has."""
    case = repository()
    files = {path: content for path, content in case.files.items() if path != "keys/cluster-staging.pub"}
    rules = RULES.replace("encrypted_regex", "path_regex: ^clusters/staging/\n    encrypted_regex")
    return replace(case, files={**files, ".sops.yaml": rules, **options})


def test_without_a_known_key_it_cannot_be_told_whether_the_cluster_reads_it(made, cli):
    made(keyless())
    result = cli("verify", "--env", "staging")
    assert result.exit_code == 1
    assert "cannot tell   with Secret sops-age" in result.stdout
    assert "cannot tell whether the cluster of staging can read 1 file" in result.stderr
    assert "3 applied, 1 cannot be told; nothing else is wrong" in result.stderr
    found = json.loads(cli("verify", "--env", "staging", "--format", "json").stdout)
    assert found["no_cluster_key"]["files"] == 1
    assert found["no_cluster_key"]["shared_rules"] == []
    assert found["summary"]["wrong"] == 1


def test_the_steps_for_a_cluster_without_a_key_work_as_printed(made, cli, git):
    git(made(keyless()), "init", "--quiet")
    printed = cli("verify", "--env", "staging").stderr
    commands = re.findall(r"`fluxsecrets ([^`]+)`", printed)
    assert [command.split()[0] for command in commands] == ["keys", "recipients"]
    for command in commands:
        result = cli(*command.split())
        assert result.exit_code == 0, result.stderr
    result = cli("verify", "--env", "staging")
    assert (result.exit_code, "decrypted   by Flux with cluster-staging" in result.stdout) == (0, True)
    (last,) = re.findall(r"fluxsecrets (keys cluster-secret [^|]+) \|", printed)
    assert "cluster-staging.agekey" in cli(*last.split()).stdout


def test_the_settings_may_say_which_key_it_is(made, cli):
    settings = f"environments:\n  staging:\n    cluster_recipients: [{CLUSTER}]\n"
    made(keyless(**{".fluxsecrets.yaml": settings}))
    assert cli("verify", "--env", "staging").exit_code == 0


def test_a_rule_that_others_follow_is_named_first(made, cli):
    production = {**cluster("production"), "clusters/production/db.yaml": encrypted(secret())}
    made(keyless(**production, **{".sops.yaml": RULES}))
    assert "(.sops.yaml:2 is for other files, too)" in cli("verify", "--env", "staging").stderr


def test_a_value_that_flux_would_change(made, cli):
    made(runpy.run_path(str(CASES / "value_substituted.py"))["TRIGGERS"])
    message = "apps replaces a variable in stringData.password of Secret pw that it does not know"
    assert problems(cli) == {"db.yaml": ("decrypted", message)}
    assert problems(cli, "--no-keys") == {}


def test_a_changed_file(made, cli):
    def without_user(text):
        return re.sub(r"  user: [^\n]*\n", "", text)

    case = runpy.run_path(str(CASES / "file_changed.py"))
    values = case["VALUES"]
    removed = {"clusters/staging/removed.yaml": encrypted(secret("r", values=values), then=without_user)}
    made(case["TRIGGERS"].changed(removed))
    found = problems(cli)
    assert found["db.yaml"][0] == "fails"
    assert "was changed, moved or encrypted with another key" in found["db.yaml"][1]
    assert found["more.yaml"] == ("fails", "stringData.user is plain, and Flux would decrypt it")
    # Flux does not check the MAC, and applies what is left.
    assert found["removed.yaml"][0] == "decrypted"
    assert "the MAC does not match" in found["removed.yaml"][1]


def test_a_broken_manifest_stops_flux(made, cli):
    made(repository(files={"clusters/staging/broken.yaml": "a: [\n"}))
    assert problems(cli)["broken.yaml"][0] == "fails"


def test_what_a_patch_puts_into_an_encrypted_secret(made, cli):
    patch = (
        "patches: [{target: {kind: Secret}, patch: "
        '"[{op: add, path: /stringData/more, value: throwaway}]"}]\n'
    )
    made(
        repository(
            files={
                "clusters/staging/apps.yaml": kustomization("apps", "apps", more=patch),
                "apps/secret.yaml": encrypted(secret("patched")),
            }
        )
    )
    assert problems(cli) == {"secret.yaml": ("fails", "stringData.more is plain, and Flux would decrypt it")}


def test_an_environment_is_needed_and_must_be_there(made, cli):
    made(repository())
    assert cli("verify").exit_code == 2
    assert "staging" in cli("verify", "--env", "stagin").stderr
    assert cli("verify", "--env", "stagin").exit_code == 2
