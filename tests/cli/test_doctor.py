"""`doctor`: each problem has a command, and the command fixes it."""

import json
import shlex
from pathlib import Path

import pytest

from fluxsecrets.errors import ConfigError
from fluxsecrets.ops.doctor.checks import CHECKS
from fluxsecrets.ops.doctor.examine import examine
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Health, ok
from fluxsecrets.ops.run.session import Session


@pytest.fixture
def doctor(cli):
    """The diagnoses by check, and the exit code."""

    def run():
        done = cli("doctor", "--format", "json")
        found = {}
        for each in json.loads(done.stdout)["checks"]:
            found.setdefault(each["check"], []).append(each)
        assert done.exit_code == int(
            any(one["state"] == "problem" for each in found.values() for one in each)
        )
        return found

    return run


@pytest.fixture
def repair(cli, git):
    """Runs a command that `doctor` printed."""

    def run(command, folder=None):
        program, *arguments = shlex.split(command)
        assert program in ("fluxsecrets", "git")
        if program == "git":
            git(folder or Path.cwd(), *arguments)
        else:
            assert cli(*arguments).exit_code == 0

    return run


def states(diagnoses):
    return [each["state"] for each in diagnoses]


def test_all_is_well_after_hook_install(encrypted_waddle, cli, doctor):
    assert cli("hook", "install").exit_code == 0
    found = doctor()
    assert {state for each in found.values() for state in states(each)} == {"ok"}
    assert "opens production, staging" in found["identities"][0]["message"]
    assert any("you can open" in each["message"] for each in found["environments"])
    done = cli("doctor")
    assert done.exit_code == 0
    assert "ok            git            git " in done.stdout
    assert "0 problems" in done.stderr


def test_every_command_fixes_its_problem(encrypted_waddle, doctor, repair):
    problems = [each for one in doctor().values() for each in one if each["state"] == "problem"]
    assert {each["check"] for each in problems} == {"hooks", "drivers", "attributes"}
    for command in dict.fromkeys(each["command"] for each in problems):
        repair(command)
    assert {state for each in doctor().values() for state in states(each)} == {"ok"}


def test_a_command_for_several_problems_comes_once(encrypted_waddle, cli):
    assert cli("doctor").stdout.count("fluxsecrets hook install\n") == 1


def test_a_fresh_clone_lacks_the_drivers_and_has_the_attributes(
    encrypted_waddle, cli, git, doctor, repair, tmp_path, monkeypatch
):
    cli("hook", "install")
    git(encrypted_waddle, "add", ".gitattributes")
    git(encrypted_waddle, "commit", "--quiet", "--no-verify", "--message", "attributes")
    git(tmp_path, "clone", "--quiet", str(encrypted_waddle), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    found = doctor()
    assert states(found["drivers"]) == ["problem", "problem"]
    assert states(found["attributes"]) == ["ok"]
    assert found["drivers"][0]["command"] == "fluxsecrets hook install drivers"
    repair(found["drivers"][0]["command"])
    assert states(doctor()["drivers"]) == ["ok"]


def test_a_shallow_clone(encrypted_waddle, git, doctor, tmp_path, monkeypatch):
    git(encrypted_waddle, "commit", "--quiet", "--allow-empty", "--no-verify", "--message", "more")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{encrypted_waddle}", "clone")
    monkeypatch.chdir(tmp_path / "clone")
    found = doctor()["history"]
    assert states(found) == ["problem"]
    git(tmp_path / "clone", *shlex.split(found[0]["command"])[1:])
    assert states(doctor()["history"]) == ["ok"]


def test_a_partial_clone(encrypted_waddle, git, doctor, tmp_path, monkeypatch):
    git(encrypted_waddle, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{encrypted_waddle}", "clone")
    monkeypatch.chdir(tmp_path / "clone")
    found = doctor()["history"]
    assert states(found) == ["problem"]
    assert found[0]["command"] == "git fetch --refetch --no-filter"


def test_without_an_identity(encrypted_waddle, doctor, repair, monkeypatch, tmp_path):
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "keys.txt"))
    found = doctor()["identities"]
    assert "no identity was found" in found[0]["message"]
    repair(found[0]["command"])
    found = doctor()
    assert "opens no file here" in found["identities"][0]["message"]
    last = found["environments"][-1]
    assert (last["state"], last["message"]) == ("problem", "none of your identities opens a file here")


def test_outside_of_a_repository(folder, doctor, repair):
    found = doctor()
    assert states(found["repository"]) == ["problem"]
    assert "hooks" not in found
    repair(found["repository"][0]["command"])
    assert states(doctor()["repository"]) == ["ok"]


def test_a_bare_repository(encrypted_waddle, cli, git, doctor, tmp_path, monkeypatch):
    git(tmp_path, "clone", "--quiet", "--bare", str(encrypted_waddle), "bare.git")
    monkeypatch.chdir(tmp_path / "bare.git")
    found = doctor()
    assert "a bare repository" in found["repository"][0]["message"]
    assert "hooks" not in found
    assert states(found["drivers"]) == ["problem", "problem"]
    cli("hook", "install")
    found = doctor()
    assert states(found["drivers"]) == ["ok"]
    assert states(found["attributes"]) == ["ok"]


def test_attributes_that_stand_in_the_way_are_named(encrypted_waddle, cli, doctor):
    cli("hook", "install")
    (encrypted_waddle / "apps" / ".gitattributes").write_text("*.yaml -diff\n", encoding="utf-8")
    (found,) = doctor()["attributes"]
    assert found["state"] == "problem"
    assert "diff is unset by apps/.gitattributes:1" in found["message"]
    assert found["command"] is None


@pytest.mark.parametrize("cached", [True, False])
def test_a_diff_driver_that_decrypts(encrypted_waddle, cli, git, doctor, repair, cached):
    git(encrypted_waddle, "config", "diff.sopsdiffer.textconv", "sops decrypt")
    if cached:
        git(encrypted_waddle, "config", "diff.sopsdiffer.cachetextconv", "true")
    (found,) = doctor()["textconvs"]
    assert found["state"] == "problem"
    assert ("object database" in found["message"]) is cached
    repair(found["command"])
    if not cached:
        assert "textconvs" not in doctor()


def test_other_programs_hooks_are_named(encrypted_waddle, cli, doctor):
    hook = encrypted_waddle / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ngit lfs pre-push "$@"\n', encoding="utf-8")
    hook.chmod(0o755)
    cli("hook", "install")
    (found,) = doctor()["other-hooks"]
    assert found["message"] == "in .git/hooks there are also hooks of Git LFS"


def test_a_git_that_is_too_old(encrypted_waddle, doctor, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.doctor.checks.git.OLDEST", (99, 1))
    (found,) = doctor()["git"]
    assert found["state"] == "problem"
    assert found["hint"] == "install git 99.1 or newer"


def test_a_check_that_fails_cannot_tell_and_the_others_go_on(encrypted_waddle):
    def fails(_facts):
        yield ok("one thing")
        raise ConfigError("it is broken", hint="fix it")

    checks = (Check(CheckInfo("a", "a"), fails), CHECKS[0])
    found = examine(Session({}, encrypted_waddle), checks)
    assert [each.health for each in found.checks[0].diagnoses] == [Health.OK, Health.UNKNOWN]
    assert found.checks[0].diagnoses[1].hint == "fix it"
    assert found.checks[1].diagnoses[0].health is Health.OK


def test_the_checks_have_names_of_their_own():
    assert len({each.info.id for each in CHECKS}) == len(CHECKS)


def test_broken_settings_are_told_and_nothing_is_said_to_be_fine(encrypted_waddle, doctor):
    (encrypted_waddle / ".fluxsecrets.yaml").write_text("nonsense: 1\n", encoding="utf-8")
    found = doctor()
    assert states(found["environments"]) == ["cannot tell"]
    assert states(found["git"]) == ["ok"]


def test_nothing_is_changed(encrypted_waddle, cli, git):
    before = git(encrypted_waddle, "status", "--short", "--ignored")
    cli("doctor")
    assert git(encrypted_waddle, "status", "--short", "--ignored") == before


def test_the_library_of_a_key_service_is_missing(encrypted_waddle, doctor, monkeypatch):
    assert "libraries" not in doctor(), "age needs none"
    monkeypatch.setattr("fluxsecrets.ops.doctor.checks.libraries.has_library", lambda kind: False)
    file = encrypted_waddle / "apps/spicedb/overlays/production/registry.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    content["sops"]["kms"] = [
        {"arn": arn, "created_at": "2026-01-01T00:00:00Z", "enc": "YQ==", "aws_profile": ""}
    ]
    file.write_text(json.dumps(content), encoding="utf-8")
    (found,) = doctor()["libraries"]
    assert "keys of AWS KMS, and its library is not installed" in found["message"]
    assert found["command"] == "pip install 'fluxsecrets[aws]'"
