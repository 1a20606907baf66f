"""A Vault token is sent only to servers that the environment, the configuration or the command line names.

Every test has a file that was encrypted for a Vault which then only the file names, and counts its requests.
"""

import json
import subprocess

import pytest

from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.keys.vault_transit import VaultTransit
from transitserver import TOKEN

pytest.importorskip("hvac")
NAME = "apps/db.yaml"
SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2-throwaway
"""


@pytest.fixture(autouse=True)
def _user(transit, monkeypatch, environment):
    monkeypatch.setattr(VaultTransit, "limits", CallLimits(tries=1, deadline=5.0))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)


@pytest.fixture
def repository(tmp_path, monkeypatch, cli, git, transit):
    """A repository with a file for the Vault, committed; no rule names the Vault any more."""
    root = tmp_path / "repository"
    (root / "apps").mkdir(parents=True)
    monkeypatch.chdir(root)
    git(root, "init", "--quiet")
    (root / NAME).write_text(SECRET)
    rule(root, transit.uri())
    assert cli("encrypt", NAME).exit_code == 0
    (root / ".sops.yaml").unlink()
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "a file for a Vault")
    transit.asked.clear()
    return root


def rule(folder, uri):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - hc_vault_transit_uri: {uri}\n")


def is_opened(cli, transit, *paths, run=None):
    """Whether a file is decrypted; if not, nothing was sent, and the message says how to allow it."""
    result = (run or cli)("decrypt", *(paths or (NAME,)))
    output = result.stderr if hasattr(result, "stderr") else result.err
    assert TOKEN not in output
    if (result.exit_code if hasattr(result, "exit_code") else result.code) == 0:
        return True
    assert transit.asked == []
    assert (
        "an address that only the file names" in output or "SOPS_HC_VAULT_ALLOWLIST does not name" in output
    )
    return False


def test_the_file_alone_names_nothing(repository, cli, transit):
    assert not is_opened(cli, transit)
    for command in (("rotate", NAME), ("set", NAME, "stringData.x", "y"), ("status", "--keys", NAME)):
        cli(*command)
        assert transit.asked == []


@pytest.mark.parametrize("variable", ["VAULT_ADDR", "BAO_ADDR", "SOPS_HC_VAULT_ALLOWLIST"])
def test_the_environment_names_it(repository, cli, transit, monkeypatch, variable):
    monkeypatch.setenv(variable, transit.address)
    assert is_opened(cli, transit)


@pytest.mark.parametrize("key", ["app", "another-key"])
def test_the_rules_of_the_repository_name_it(repository, cli, transit, key):
    rule(repository, transit.uri(key))
    assert is_opened(cli, transit)


def test_the_settings_name_it(repository, cli, transit):
    (repository / ".fluxsecrets.yaml").write_text(f"trusted_servers: ['{transit.address}/']\n")
    assert is_opened(cli, transit)


def test_settings_that_are_invalid_name_nothing(repository, cli, transit):
    (repository / ".fluxsecrets.yaml").write_text(f"trusted_servers: ['{transit.address}', 7]\n")
    result = cli("decrypt", NAME)
    assert (result.exit_code, transit.asked) == (2, [])
    assert "a number in trusted_servers" in result.stderr


def test_the_command_line_names_it(repository, cli, transit, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"creation_rules:\n  - hc_vault_transit_uri: {transit.uri()}\n")
    assert cli("rotate", "--config", rules, NAME).exit_code == 0
    transit.asked.clear()
    assert not is_opened(cli, transit)
    accepted = ("--accept-recipients", NAME)
    assert cli("rotate", "--add-hc-vault-transit", transit.uri("second"), *accepted).exit_code == 0


def test_a_nested_rule_counts_once_git_tracks_it(repository, cli, transit, git):
    rule(repository / "apps", transit.uri())
    assert not is_opened(cli, transit)  # such as an archive that was unpacked
    git(repository, "add", "--all")
    assert is_opened(cli, transit)


def test_rules_that_are_invalid_name_nothing(repository, cli, transit, git):
    (repository / "apps/.sops.yaml").write_text(f"creation_rules: [{transit.uri()}\n")
    git(repository, "add", "--all")
    assert not is_opened(cli, transit)


def test_the_rules_of_another_repository_name_nothing(repository, cli, transit, git, tmp_path, monkeypatch):
    rule(repository, transit.uri())
    git(repository, "add", "--all")
    elsewhere = tmp_path / "mine"
    elsewhere.mkdir()
    git(elsewhere, "init", "--quiet")
    monkeypatch.chdir(elsewhere)
    assert not is_opened(cli, transit, "../repository/apps/db.yaml")
    monkeypatch.chdir(tmp_path)
    assert not is_opened(cli, transit, "repository/apps/db.yaml")
    monkeypatch.chdir(repository / "apps")
    assert is_opened(cli, transit, "db.yaml")


def test_the_rules_of_a_submodule_name_nothing_outside_of_it(
    repository, cli, transit, git, tmp_path, monkeypatch
):
    rule(repository, transit.uri())
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    repository.rename(outer / "vendored")
    monkeypatch.chdir(outer)
    git(outer / "vendored", "add", "--all")
    git(outer, "add", "vendored")
    assert not is_opened(cli, transit, "vendored/apps/db.yaml")


def test_standard_input_is_judged_by_the_working_directory(repository, cli, transit, tmp_path, monkeypatch):
    data = (repository / NAME).read_bytes()
    rule(repository, transit.uri())
    assert cli("decrypt", "-", "--filename", NAME, stdin=data).exit_code == 0
    transit.asked.clear()
    monkeypatch.chdir(tmp_path)
    result = cli("decrypt", "-", "--filename", f"repository/{NAME}", stdin=data)
    assert (result.exit_code, transit.asked) == (2, [])


def test_outside_of_git_the_nearest_rules_count(repository, cli, transit, tmp_path, monkeypatch):
    folder = tmp_path / "plain"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/db.yaml").write_bytes((repository / NAME).read_bytes())
    rule(folder / "deep", transit.uri())
    monkeypatch.chdir(folder)
    assert not is_opened(cli, transit, "deep/db.yaml")
    monkeypatch.chdir(folder / "deep")
    assert is_opened(cli, transit, "db.yaml")


@pytest.mark.parametrize(
    "text", ["none", "https://vault.example.com", "https://vault.example.com,http://localhost"]
)
def test_the_allowlist_is_stronger_than_a_branch(repository, cli, transit, git, monkeypatch, text):
    """What a CI job with a token sets: then a pull request with a file, a rule and settings gets nothing."""
    rule(repository, transit.uri())
    rule(repository / "apps", transit.uri())
    (repository / ".fluxsecrets.yaml").write_text(f"trusted_servers: ['{transit.address}']\n")
    git(repository, "add", "--all")
    monkeypatch.setenv("SOPS_HC_VAULT_ALLOWLIST", text)
    assert not is_opened(cli, transit)
    for command in (("rotate", NAME), ("audit",), ("verify",), ("encrypt", "--check"), ("review", "HEAD")):
        cli(*command)
        assert transit.asked == [], command


@pytest.mark.parametrize("change", ["rules", "settings", "nested"])
def test_review_goes_by_the_configuration_before_the_change(repository, cli, transit, git, change):
    git(repository, "checkout", "--quiet", "-b", "change")
    if change == "settings":
        (repository / ".fluxsecrets.yaml").write_text(f"trusted_servers: ['{transit.address}']\n")
    else:
        rule(repository / ("apps" if change == "nested" else ""), transit.uri())
    (repository / NAME).write_bytes((repository / NAME).read_bytes() + b"# changed\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "change")
    before = cli("review", "HEAD", "--format", "json")
    assert transit.asked == [], before.stdout
    if change == "settings":
        titles = [each["title"] for each in json.loads(before.stdout)["items"]]
        assert f"more servers may get credentials: {transit.address}" in titles
    (repository / NAME).write_bytes((repository / NAME).read_bytes() + b"# again\n")
    git(repository, "commit", "--quiet", "--all", "--message", "change")
    cli("review", "HEAD")
    assert transit.asked != []


def test_the_hook_asks_no_service(repository, cli, transit, git):
    rule(repository, transit.uri())
    (repository / NAME).write_bytes((repository / NAME).read_bytes() + b"# changed\n")
    git(repository, "add", "--all")
    cli("hook", "run", "pre-commit")
    assert transit.asked == []


def test_encrypting_sends_the_token_to_no_stranger_either(repository, cli, transit, git):
    (repository / "apps/new.yaml").write_text(SECRET)
    rule(repository / "apps", transit.uri())
    result = cli("encrypt", "apps/new.yaml")
    assert (result.exit_code, transit.asked) == (2, [])
    assert "an address that only the file names" in result.stderr
    git(repository, "add", "apps/.sops.yaml")
    assert cli("encrypt", "apps/new.yaml").exit_code == 0


def test_a_redirect_is_not_followed(repository, cli, transit):
    rule(repository, transit.uri())
    transit.always = (307, {"Location": f"{transit.address}/v1/transit/decrypt/app"}, b"")
    result = cli("decrypt", NAME)
    assert result.exit_code == 2
    assert "answered with a redirect, which is not followed with a token" in result.stderr
    assert len(transit.asked) == 1


def test_in_the_drop_in(repository, cli, transit, monkeypatch, tmp_path):
    from tests.cli.dropin.conftest import DropIn

    sops = DropIn()
    assert not is_opened(cli, transit, run=sops)
    rule(repository, transit.uri())
    assert is_opened(cli, transit, run=sops)
    transit.asked.clear()
    monkeypatch.chdir(tmp_path)
    assert not is_opened(cli, transit, f"repository/{NAME}", run=sops)
    monkeypatch.setenv("SOPS_HC_VAULT_ALLOWLIST", "all")
    assert is_opened(cli, transit, f"repository/{NAME}", run=sops)


@pytest.mark.parametrize("command", ["merge", "cherry-pick"])
@pytest.mark.parametrize("named", [False, True])
def test_a_branch_that_is_merged_names_nothing(repository, cli, transit, git, monkeypatch, command, named):
    """The merge driver decrypts; a rule that comes with the branch is not one of the work tree yet."""
    monkeypatch.setenv("VAULT_ADDR", transit.address)
    assert cli("hook", "install").exit_code == 0
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--no-verify", "--message", "attributes")
    for branch in ("change", "own"):
        git(repository, "checkout", "--quiet", "-b", branch, "main")
        assert cli("set", "--accept-recipients", NAME, "stringData.password", branch).exit_code == 0
        if branch == "change":
            rule(repository, transit.uri())
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--no-verify", "--message", branch)
    transit.asked.clear()
    if not named:
        monkeypatch.delenv("VAULT_ADDR")
    who = ("-c", "user.name=Test", "-c", "user.email=test@waddle.example")
    subprocess.run(["git", *who, command, "change"], cwd=repository, check=False, capture_output=True)
    assert bool(transit.asked) == named


def test_a_revision_that_is_compared_names_nothing(repository, cli, transit, git):
    git(repository, "checkout", "--quiet", "-b", "change")
    rule(repository, transit.uri())
    (repository / NAME).write_bytes((repository / NAME).read_bytes() + b"# changed\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "change")
    git(repository, "checkout", "--quiet", "-b", "own", "HEAD~1")
    cli("diff", "own", "change")
    assert transit.asked == []
