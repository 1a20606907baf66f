"""`doctor`: each problem has a command, and the command fixes it."""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from fluxsecrets import __version__
from fluxsecrets.errors import ConfigError
from fluxsecrets.keys.oskeyring import KeyringError
from fluxsecrets.ops.doctor.checks import CHECKS
from fluxsecrets.ops.doctor.examine import examine
from fluxsecrets.ops.doctor.model import (
    Check,
    CheckInfo,
    Examination,
    Examined,
    Health,
    ok,
    problem,
)
from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.doctor import FORMATS
from fluxsecrets.sops import bech32

VECTORS = Path(__file__).parents[1] / "vectors"


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
        assert program in ("fluxsecrets", "git", "chmod")
        if program == "git":
            git(folder or Path.cwd(), *arguments)
        elif program == "chmod":
            Path(arguments[1]).chmod(int(arguments[0], 8))
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
    assert re.search(r"^ok +git +git 2", done.stdout, re.MULTILINE)
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


@pytest.mark.parametrize("locked", [True, False])
def test_identities_that_only_an_answer_would_show(encrypted_waddle, doctor, monkeypatch, tmp_path, locked):
    if locked:
        monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(tmp_path / "keys.txt"))
        (tmp_path / "keys.txt").write_bytes((VECTORS / "age/locked_bob.txt").read_bytes())
        (tmp_path / "keys.txt").chmod(0o600)
    else:
        monkeypatch.delenv("SOPS_AGE_KEY_FILE")
        monkeypatch.setenv("SOPS_AGE_KEY_CMD", "false")
    found = doctor()
    (identities,) = found["identities"]
    assert identities["state"] == "cannot tell"
    assert ("SOPS_AGE_KEY_FILE is protected" in identities["message"]) is locked
    assert "problem" not in states(found["environments"])
    assert "cannot tell" in states(found["environments"])


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
    found = examine(Session({}, encrypted_waddle), "1.2.3", checks)
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


@pytest.fixture
def only():
    """What one check alone finds out, which takes less than all of them."""

    def run(name):
        chosen = [each for each in CHECKS if each.info.id == name]
        found = examine(Session(dict(os.environ), Path.cwd()), __version__, chosen)
        return [
            {"state": str(each.health), "message": each.message, "command": each.command, "hint": each.hint}
            for one in found.checks
            for each in one.diagnoses
        ]

    return run


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def problems(diagnoses):
    return [each for each in diagnoses if each["state"] == "problem"]


def add_recipient(path, kind, entry):
    """Put a recipient into a file, as if it were encrypted for it, too."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content["sops"].setdefault(kind, []).append({"enc": "x", **entry})
    path.write_text(json.dumps(content), encoding="utf-8")


JSON = "apps/spicedb/overlays/production/registry.json"


@pytest.mark.parametrize(
    ("name", "text", "message", "hint"),
    [
        (
            "apps/.sops.yaml",
            "creation_rules:\n  - shamir_threshold: two\n",
            "apps/.sops.yaml:2:23: shamir_threshold is a text, expected a small whole number "
            "(2 | - shamir_threshold: two)",
            "fix this line",
        ),
        (
            "apps/.sops.yaml",
            "creation_rules: []\nkeyz: [a]\n",
            "apps/.sops.yaml:2: 'keyz' is not a known field, and has no effect",
            "check the spelling",
        ),
        (
            ".fluxsecrets.yaml",
            "secretz: []\n",
            ".fluxsecrets.yaml:1:1: the file has no key 'secretz' (1 | secretz: [])",
            "did you mean secrets?",
        ),
    ],
)
def test_configuration_that_is_wrong_has_its_line(encrypted_waddle, only, name, text, message, hint):
    write(encrypted_waddle / name, text)
    (found,) = problems(only("configuration"))
    assert found["message"] == message
    assert hint in found["hint"]


def test_rules_with_a_name_that_nobody_reads(encrypted_waddle, git, only, repair):
    write(encrypted_waddle / "apps" / ".sops.yml", "creation_rules: []\n")
    git(encrypted_waddle, "add", "apps/.sops.yml")
    (found,) = problems(only("configuration"))
    repair(found["command"])
    assert states(only("configuration")) == ["ok"]


def test_a_repository_without_rules(folder, git, only):
    git(folder.path, "init", "--quiet")
    (folder.path / ".sops.yaml").unlink()
    (found,) = only("configuration")
    assert (found["state"], found["command"]) == ("problem", "fluxsecrets init")
    assert found["message"].startswith("there is no .sops.yaml")


def test_a_repository_in_plain_text_is_told_to_run_init(waddle, doctor, monkeypatch):
    (waddle / ".sops.yaml").unlink()
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    found = doctor()
    for check in ("configuration", "secrets", "identities"):
        assert [each["command"] for each in found[check]] == ["fluxsecrets init"]


def test_secrets_in_plain_text_are_one_problem(encrypted_waddle, cli, only, repair):
    for path in (JSON, JSON.replace("production", "staging")):
        assert cli("decrypt", "-i", path).exit_code == 0
    (found,) = only("secrets")
    assert found["message"] == f"2 files are in plain text, such as {JSON} (production, staging)"
    assert found["command"] == "fluxsecrets encrypt"
    repair(found["command"])
    assert states(only("secrets")) == ["ok"]


def test_plain_secrets_that_are_allowed_are_no_problem(encrypted_waddle, cli, only):
    assert cli("decrypt", "-i", JSON).exit_code == 0
    write(
        encrypted_waddle / ".fluxsecrets.yaml",
        f"allow:\n  - rule: plain-secret\n    path: {JSON}\n    reason: throw-away\n",
    )
    assert states(only("secrets")) == ["ok"]


def test_an_environment_in_plain_text_is_not_said_to_be_fine(waddle, doctor):
    found = doctor()
    assert "environments" not in found
    (plain,) = found["secrets"]
    assert plain["state"] == "problem"
    assert plain["message"].endswith("(production, staging)")


def test_files_of_a_newer_sops(encrypted_waddle, only):
    path = encrypted_waddle / JSON
    path.write_text(
        re.sub(r'"version": "[^"]*"', '"version": "4.1.0"', path.read_text(encoding="utf-8")),
        encoding="utf-8",
    )
    (found,) = problems(only("versions"))
    assert found["message"].startswith(f"{JSON} was written by sops '4.1.0'")
    assert found["command"] == "pip install --upgrade fluxsecrets"


def test_a_hook_that_starts_another_version(encrypted_waddle, cli, only, repair, tmp_path):
    cli("hook", "install", "pre-commit")
    (tmp_path / "old/lib/python3.11/site-packages/fluxsecrets-0.0.9.dist-info").mkdir(parents=True)
    write(tmp_path / "old/bin/python", "")
    hook = encrypted_waddle / ".git/hooks/pre-commit"
    text = hook.read_text(encoding="utf-8")
    python = (tmp_path / "old/bin/python").as_posix()
    hook.write_text(
        re.sub(r"^python='.*'$", f"python='{python}'", text, flags=re.MULTILINE), encoding="utf-8"
    )
    (found,) = problems(only("versions"))
    assert found["message"] == f"the pre-commit hook starts fluxsecrets 0.0.9, with {python}"
    repair(found["command"])
    assert problems(only("versions")) == []


def test_a_clock_that_is_behind_a_commit(waddle, only, monkeypatch):
    monkeypatch.setattr(Session, "now", lambda _: "2001-01-01T00:00:00Z")
    (found,) = only("clock")
    assert found["state"] == "problem"
    assert found["message"].startswith("it is 2001-01-01 00:00 UTC by this clock, and HEAD (")
    assert "set the clock" in found["hint"]


def test_a_clock_that_is_behind_a_file(encrypted_waddle, only):
    path = encrypted_waddle / JSON
    text = re.sub(
        r'"lastmodified": "[^"]*"', '"lastmodified": "2099-01-01T00:00:00Z"', path.read_text(encoding="utf-8")
    )
    path.write_text(text, encoding="utf-8")
    (found,) = only("clock")
    assert found["state"] == "problem"
    assert f"lastmodified of {JSON} is of 2099-01-01 00:00" in found["message"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_key_file_that_others_can_read(encrypted_waddle, cli, only, repair):
    Path(os.environ["SOPS_AGE_KEY_FILE"]).chmod(0o644)
    assert "warning" not in cli("doctor").stderr
    (found,) = only("key-files")
    assert "(mode 0644)" in found["message"]
    assert problems(only("identities")) == []
    repair(found["command"])
    assert only("key-files") == []


PLUGIN_KEY = bech32.encode("age1throwaway", bytes(8))
"""A recipient of a plugin that does not exist."""


def test_an_age_plugin_that_is_not_installed(encrypted_waddle, only, monkeypatch, tmp_path):
    assert only("plugins") == [], "no recipient needs one"
    add_recipient(encrypted_waddle / JSON, "age", {"recipient": PLUGIN_KEY})
    (found,) = only("plugins")
    assert found["message"] == "1 recipient needs age-plugin-throwaway, which is not on PATH"
    assert found["hint"] == "install age-plugin-throwaway in a folder of PATH"
    write(tmp_path / "bin/age-plugin-throwaway", "#!/bin/sh\nexit 1\n")
    (tmp_path / "bin/age-plugin-throwaway").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert states(only("plugins")) == ["ok"]
    settings = encrypted_waddle / ".fluxsecrets.yaml"
    before = settings.read_text(encoding="utf-8") if settings.exists() else ""
    settings.write_text(f"{before}\nage_plugins: [other]\n", encoding="utf-8")
    (found,) = only("plugins")
    assert "may not run to encrypt" in found["message"]
    assert "age_plugins" in found["hint"]


PGP = {"fp": "3B53DF19B9884C364821CD2F63F909A3062E2C9A", "created_at": "2026-01-01T00:00:00Z"}


def gpg_that(folder, script):
    write(folder / "gpg", f"#!/bin/sh\n{script}\n")
    (folder / "gpg").chmod(0o755)
    return str(folder / "gpg")


@pytest.mark.skipif(os.name == "nt", reason="needs a shell script")
@pytest.mark.parametrize(
    ("script", "state", "message"),
    [
        (None, "problem", "1 recipient is a PGP key, and SOPS_GPG_EXEC names a program that is not there"),
        ("exit 3", "problem", "does not start"),
        (
            "case $* in *version*) echo gpg 2.4.9;; *) exit 2;; esac",
            "problem",
            "could not list the secret keys",
        ),
        ("case $* in *version*) echo gpg 2.4.9;; esac", "ok", "gpg 2.4.9: 1 recipient is a PGP key"),
    ],
)
def test_gpg(encrypted_waddle, only, monkeypatch, tmp_path, script, state, message):
    assert only("gpg") == [], "no recipient is a PGP key"
    add_recipient(encrypted_waddle / JSON, "pgp", PGP)
    gpg = gpg_that(tmp_path, script) if script else str(tmp_path / "none")
    monkeypatch.setenv("SOPS_GPG_EXEC", gpg)
    (found,) = only("gpg")
    assert found["state"] == state
    assert message in found["message"]


@pytest.mark.skipif(os.name == "nt", reason="needs a shell script")
def test_kubectl_is_looked_for_if_the_settings_name_a_context(encrypted_waddle, only, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert only("kubectl") == []
    settings = "environments:\n  staging: {path: clusters/staging, context: waddle-staging}\n"
    write(encrypted_waddle / ".fluxsecrets.yaml", settings)
    (missing,) = only("kubectl")
    assert (missing["state"], missing["hint"] != "") == ("ok", True)
    assert missing["message"] == "not on PATH, so `verify --cluster` can't read the cluster of staging"
    write(tmp_path / "bin" / "kubectl", "#!/bin/sh\nexit 3\n")
    (tmp_path / "bin" / "kubectl").chmod(0o755)
    (found,) = only("kubectl")
    assert found["message"].startswith(str(tmp_path / "bin" / "kubectl"))


def store_in_list(environ):
    """A list of the keyring's identities that names one."""
    folder = (
        Path(environ["XDG_CONFIG_HOME"]) if "XDG_CONFIG_HOME" in environ else Path(environ["HOME"], ".config")
    )
    entry = {"recipient": PLUGIN_KEY, "kind": "plugin", "name": None, "created": None}
    write(folder / "fluxsecrets/keyring.json", json.dumps({"version": 1, "identities": [entry]}))


@pytest.mark.parametrize(
    ("stored", "error", "state", "message"),
    [
        (False, None, "ok", "Wallet: no identities are in it"),
        (True, None, "ok", "Wallet: 1 identity is in it"),
        (False, "none", "ok", "not usable; key files do without"),
        (True, "none", "problem", "none"),
    ],
)
def test_the_keyring(encrypted_waddle, only, monkeypatch, stored, error, state, message):
    def name(**_):
        if error:
            raise KeyringError(error, hint="unlock it")
        return "Wallet"

    monkeypatch.setattr("fluxsecrets.ops.doctor.checks.keyring.find_spec", lambda _: True)
    monkeypatch.setattr("fluxsecrets.ops.doctor.checks.keyring.keyring_name", name)
    if stored:
        store_in_list(os.environ)
    (found,) = only("keyring")
    assert (found["state"], found["message"]) == (state, message)


@pytest.mark.parametrize(
    ("version", "state", "message"),
    [
        (__version__, "ok", f"running, fluxsecrets {__version__}"),
        ("0.0.1", "problem", "the agent that runs is fluxsecrets 0.0.1, and answers no command of this one"),
        ("", "problem", "the agent that runs is of another version, and answers no command of this one"),
    ],
)
def test_an_agent_is_of_this_version(encrypted_waddle, doctor, monkeypatch, version, state, message):
    monkeypatch.setattr("fluxsecrets.cli.agent.talk.version_running", lambda: version)
    (found,) = doctor()["agent"]
    assert (found["state"], found["message"]) == (state, message)
    assert ("fluxsecrets agent stop" in found.values()) is (state == "problem")


def test_without_an_agent_nothing_is_said_of_one(encrypted_waddle, doctor):
    assert "agent" not in doctor()


def test_the_library_of_the_keyring_is_missing(encrypted_waddle, only, monkeypatch):
    monkeypatch.setattr("fluxsecrets.ops.doctor.checks.keyring.find_spec", lambda _: None)
    assert only("keyring") == []
    store_in_list(os.environ)
    (found,) = only("keyring")
    assert found["message"] == "its library is missing, and 1 identity is in it"
    assert found["command"] == "pip install 'fluxsecrets[keyring]'"


def test_an_environment_that_the_user_cannot_open(encrypted_waddle, act_as, cli, only):
    act_as("bob")
    found = only("environments")
    (production,) = [each for each in found if each["message"].startswith("production: you can open none")]
    assert production["state"] == "ok", "it may be so on purpose"
    assert "alice" in production["message"]
    done = cli("doctor", "--env", "production", "--format", "json")
    found = [each for each in json.loads(done.stdout)["checks"] if each["check"] == "environments"]
    assert done.exit_code == 1
    assert states(found) == ["problem"]
    assert found[0]["command"] == "fluxsecrets keys list"
    assert "staging: " not in done.stdout


def test_an_environment_that_does_not_exist(encrypted_waddle, cli):
    done = cli("doctor", "--env", "stagin")
    assert done.exit_code == 2
    assert "there is no environment 'stagin'" in done.stderr
    assert "did you mean staging?" in done.stderr


def test_a_file_that_its_cluster_cannot_open(encrypted_waddle, cli, only, repair):
    path = encrypted_waddle / JSON
    content = json.loads(path.read_text(encoding="utf-8"))
    cluster = (encrypted_waddle / "keys/cluster-production.pub").read_text(encoding="utf-8").split()[-1]
    content["sops"]["age"] = [each for each in content["sops"]["age"] if each["recipient"] != cluster]
    path.write_text(json.dumps(content), encoding="utf-8")
    (found,) = problems(only("environments"))
    assert found["message"] == (
        f"production: {JSON} can't be opened by its cluster, which has the key of cluster-production"
    )
    repair(found["command"])
    assert problems(only("environments")) == []


def test_nothing_says_which_key_the_cluster_has(encrypted_waddle, only):
    for path in (encrypted_waddle / "keys").glob("cluster-*.pub"):
        path.unlink()
    rules = encrypted_waddle / ".sops.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("cluster-", "c"), encoding="utf-8")
    found = only("environments")
    untold = [each for each in found if each["state"] == "cannot tell"]
    assert [each["message"] for each in untold] == [
        "production: nothing says which key its cluster has",
        "staging: nothing says which key its cluster has",
    ]
    assert "cluster_recipients" in untold[0]["hint"]


def test_without_git_one_message_says_so(encrypted_waddle, cli, doctor, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = doctor()
    assert [(each["state"], each["hint"]) for each in found["git"]] == [
        ("problem", "install git and try again")
    ]
    assert states(found["hooks"]) == states(found["environments"]) == ["cannot tell"]
    done = cli("doctor")
    assert done.exit_code == 1
    assert done.stdout.count("git is not installed") == 2
    assert re.search(r"^cannot tell +\d\d checks +git is not installed", done.stdout, re.MULTILINE)


def test_what_is_as_it_should_be_does_not_bury_a_problem():
    fine = [ok(f"c{number}: you can open its files") for number in range(20)]
    bad = problem("c20: you can open none of its files")
    examination = Examination((Examined(CheckInfo("environments", "environments"), (*fine, bad)),))
    lines = [str(each) for each in FORMATS["text"](examination)]
    assert len(lines) == 14
    assert "c20" in lines[11]
    assert "and 9 more that are as they should be" in lines[12]
