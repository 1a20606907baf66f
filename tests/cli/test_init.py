"""`fluxsecrets init`."""

import json
import os
import shlex
import shutil
import sys

import pytest

from crashes import put_back, states_of
from fluxsecrets.cli import init as command
from fluxsecrets.keys.oskeyring import KeyringError
from layouts import CLUSTERS, THROWAWAY, flux, git_repository, secret

PRIVATE = "AGE-SECRET-KEY-"


def put(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def contents(root):
    """Every file but git's own data."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


@pytest.fixture
def home(environment, monkeypatch):
    """An empty home: no identity, and sops's own key file is where a new one goes."""
    monkeypatch.delenv("SOPS_AGE_KEY_FILE", raising=False)
    return environment


@pytest.fixture
def new(tmp_path, home, git, monkeypatch):
    """Makes a repository of files, in which the test runs as somebody without a key."""

    def make(files, *, commit=True):
        root = tmp_path / "repo"
        root.mkdir()
        git(root, "init", "--quiet")
        git(root, "config", "user.name", "Wendy Waddle")
        put(root, files)
        if commit and files:
            git(root, "add", "--all")
            git(root, "commit", "--quiet", "--message", "plain")
        monkeypatch.chdir(root)
        return root

    return make


def report(cli, *options):
    return json.loads(cli("init", "--format", "json", *options).stdout)


def actions(found):
    return {item["subject"]: item["action"] for item in found["items"]}


def key_file(home):
    return home / ".config/sops/age/keys.txt"


def test_plain_text_becomes_protected_and_stays_so(new, cli, git, home):
    root = new(CLUSTERS)
    before = contents(root)
    assert cli("init", "--yes", "--ci", "github").exit_code == 0
    after = contents(root)
    assert {path for path in after if path not in before} == {
        ".gitattributes",
        ".github/workflows/secrets.yml",
        ".gitignore",
        ".sops.yaml",
        "keys/cluster-production.pub",
        "keys/cluster-staging.pub",
        "keys/wendy-waddle.pub",
    }
    assert {path: after[path] for path in before} == before  # no manifest is changed
    assert cli("encrypt").exit_code == 0
    assert not any(THROWAWAY.encode() in data for data in contents(root).values())
    assert cli("encrypt", "--check").exit_code == 0
    status = cli("status").stdout.splitlines()
    (own,) = (line for line in status if line.startswith("apps/staging/db.env"))
    assert own.endswith("wendy-waddle, cluster-staging")
    assert cli("audit", "--rule", "creation-rule-shadowed", "--rule", "creation-rule-unused").exit_code == 0
    git(root, "add", "--all")
    assert cli("scan").exit_code == 0


def test_a_second_run_has_nothing_to_do(new, cli, home):
    root = new(CLUSTERS)
    assert cli("init", "--yes").exit_code == 0
    before, keys = contents(root), key_file(home).read_bytes()
    for options in ((), ("--yes",), ("--dry-run",)):
        result = cli("init", *options)
        assert result.exit_code == 0
        assert "nothing to do" in result.stderr
    assert (contents(root), key_file(home).read_bytes()) == (before, keys)
    assert set(actions(report(cli)).values()) <= {"keep", "skip"}


def test_private_keys_are_in_the_key_file_only(new, cli, home):
    root = new(CLUSTERS)
    assert cli("init", "--yes").exit_code == 0
    assert key_file(home).read_text().count(PRIVATE) == 3
    assert key_file(home).stat().st_mode & 0o077 == 0
    assert not any(PRIVATE.encode() in path.read_bytes() for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("place", ["keys.txt", ".git/keys.txt", "link/keys.txt", "SOPS_AGE_KEY_FILE"])
def test_a_key_file_in_the_repository_is_refused(new, cli, tmp_path, monkeypatch, place):
    root = new(CLUSTERS)
    before = contents(root)
    (tmp_path / "link").symlink_to(root)
    options = ("--output", place.replace("link", str(tmp_path / "link")))
    if place == "SOPS_AGE_KEY_FILE":
        monkeypatch.setenv(place, "ignored.agekey")
        options = ()
    result = cli("init", "--yes", *options)
    assert result.exit_code == 2
    assert "in this repository, where private keys must not be" in result.stderr
    assert contents(root) == before
    assert not (root / ".git/keys.txt").exists()


def test_without_a_terminal_the_plan_is_shown_and_nothing_is_written(new, cli, home):
    root = new(CLUSTERS)
    before = contents(root)
    result = cli("init")
    assert result.exit_code == 1
    assert "create" in result.stdout
    assert "--yes" in result.stderr
    assert cli("init", "--dry-run").exit_code == 0
    assert report(cli)["written"] is False
    assert contents(root) == before
    assert not key_file(home).exists()
    assert not (root / ".git/hooks/pre-commit").exists()


def test_a_dry_run_shows_the_files(new, cli):
    new(CLUSTERS)
    result = cli("init", "--dry-run", "--skip", "ci", "--skip", "hook")
    assert "+  - &cluster-staging (the new key of cluster-staging)" in result.stdout
    assert "+    encrypted_regex: ^(data|stringData)$" in result.stdout
    assert "age1" not in result.stdout


def test_the_plan_and_what_comes_next(new, cli, snapshot):
    new(CLUSTERS)
    result = cli("init", "--yes", "--ci", "github")
    assert result.stdout == snapshot
    assert result.stderr == snapshot


def test_the_next_commands_work_as_printed(new, cli, git):
    root = new(CLUSTERS)
    commands = report(cli, "--yes")["next"]
    assert commands[0] == "fluxsecrets encrypt"
    assert cli(*shlex.split(commands[0])[1:]).exit_code == 0
    assert commands[1].startswith("git add --all && git commit")
    git(root, "add", "--all")
    for line in commands[2:]:
        mine, _, theirs = line.partition(" | ")
        assert theirs == "kubectl apply --server-side -f -"
        result = cli(*shlex.split(mine)[1:])
        assert result.exit_code == 0
        assert PRIVATE in result.stdout


def test_the_plan_of_many_environments_is_short_and_the_dry_run_has_all(new, cli):
    files = {
        f"clusters/{name}/{path}": text
        for name in (f"c{number:02}" for number in range(14))
        for path, text in {
            "sync.yaml": git_repository() + "---\n" + flux("flux-system", f"./clusters/{name}"),
            "db.yaml": secret("db", "shop"),
        }.items()
    }
    new(files)
    every = report(cli, "--dry-run")
    assert len(every["next"]) == 16
    assert "cluster-c13" in cli("init", "--dry-run").stdout
    result = cli("init", "--yes", "--skip", "hook")
    lines = result.stdout.splitlines()
    assert lines[0].startswith("14 environments: c00, ")
    assert lines[0].endswith(", and 7 more; 14 files with secrets in plain text")
    assert "create   and 23 more, see --dry-run" in lines
    assert len(lines) < 40
    assert "and the same for 13 more environments" in result.stderr


def test_values_that_git_has_are_to_be_changed(new, cli):
    root = new(CLUSTERS)
    put(root, {"apps/staging/new.yaml": secret("new", "shop")})
    found = report(cli, "--dry-run")
    assert sorted(set(found["plain"]) - set(found["committed"])) == ["apps/staging/new.yaml"]
    notes = " ".join(cli("init", "--yes").stderr.split())
    assert f"git has the secrets of {len(found['committed'])} files in plain text" in notes


def test_a_second_run_says_what_is_left(new, cli):
    new(CLUSTERS)
    cli("init", "--yes")
    assert cli("init").stderr.splitlines()[-1] == "next: fluxsecrets encrypt"
    cli("encrypt")
    assert "next:" not in cli("init").stderr


def test_it_works_in_a_folder_below(new, cli, monkeypatch):
    root = new(CLUSTERS)
    monkeypatch.chdir(root / "apps/staging")
    assert cli("init", "--yes").exit_code == 0
    assert (root / ".sops.yaml").exists()
    assert "nothing to do" in cli("init").stderr


def test_a_repository_without_commits(new, cli):
    root = new(CLUSTERS, commit=False)
    assert cli("init", "--yes").exit_code == 0
    assert cli("encrypt").exit_code == 0
    assert THROWAWAY not in (root / "apps/staging/db.env").read_text()


def test_an_empty_repository_gets_a_key_and_hooks(new, cli):
    root = new({})
    result = cli("init", "--yes")
    assert result.exit_code == 0
    assert "no environment was found" in result.stdout
    assert (root / "keys/wendy-waddle.pub").exists()
    assert (root / ".git/hooks/pre-commit").exists()
    assert not (root / ".sops.yaml").exists()
    assert "nothing to do" in cli("init").stderr


def test_secrets_outside_of_environments_are_for_the_person(new, cli):
    root = new({"talos/secrets.sops.yaml": "token: throwaway\n", "notes/db.yaml": secret("db")})
    assert cli("init", "--yes").exit_code == 0
    assert cli("encrypt").exit_code == 0
    assert "throwaway" not in (root / "talos/secrets.sops.yaml").read_text()
    assert "kind: Secret" in (root / "notes/db.yaml").read_text()


def test_one_root(new, cli):
    root = new(
        {
            "flux-system/gotk-sync.yaml": CLUSTERS["clusters/staging/flux-system/gotk-sync.yaml"].replace(
                "./clusters/staging", "./"
            ),
            "db.yaml": secret("db"),
        }
    )
    result = cli("init", "--yes")
    assert result.exit_code == 0, result.stderr
    assert cli("encrypt").exit_code == 0
    assert THROWAWAY not in (root / "db.yaml").read_text()


def test_outside_of_a_work_tree(tmp_path, environment, cli, git, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("init", "--yes")
    assert result.exit_code == 2
    assert "`git init`" in result.stderr
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    monkeypatch.chdir(tmp_path / "bare.git")
    result = cli("init", "--yes")
    assert result.exit_code == 2
    assert "bare repository" in result.stderr


# What is there already.


def test_what_exists_is_adopted(waddle, cli, identity):
    before, keys = contents(waddle), identity.path.read_bytes()
    result = cli("init", "--yes", "--skip", "ci")
    assert result.exit_code == 0, result.stderr
    after = contents(waddle)
    assert {path for path in after if after[path] != before.get(path)} == {".gitattributes", ".gitignore"}
    assert identity.path.read_bytes() == keys


def test_rules_are_added_at_the_end_and_the_others_stay(waddle, cli, identity):
    text = (waddle / ".sops.yaml").read_text()
    half = text.replace("(clusters/staging|apps/[^/]+/overlays/staging)", "(clusters/nowhere)")
    (waddle / ".sops.yaml").write_text(half)
    result = cli("init", "--yes", "--skip", "ci")
    assert result.exit_code == 0, result.stderr
    new = (waddle / ".sops.yaml").read_text()
    added = [line for line in new.splitlines() if line not in half.splitlines()]
    assert not [line for line in half.splitlines() if line not in new.splitlines()]
    assert "  - path_regex: ^(apps/[^/]+/overlays/staging|clusters/staging)/.*\\.(ya?ml|json)$" in added
    assert "age1" not in "".join(added)  # the names that the file has are used
    assert cli("encrypt").exit_code == 0
    status = cli("status", "clusters/staging").stdout
    assert "alice, cluster-staging" in status
    assert "bob" not in status  # a key in the repository is no permission for what is new


def test_others_can_be_given_access(waddle, cli):
    (waddle / ".sops.yaml").unlink()
    assert report(cli, "--dry-run")["without_access"] == ["bob"]
    clusters = ("--reader", "cluster-staging", "--reader", "cluster-production")
    assert cli("init", "--yes", "--reader", "bob", *clusters).exit_code == 0
    assert cli("encrypt").exit_code == 0
    status = cli("status", "clusters/staging").stdout
    assert "alice, bob, cluster-staging" in status
    assert "cluster-production" not in status


@pytest.mark.parametrize("planted", ["keys/cluster-staging.pub", ".fluxsecrets.yaml"])
def test_a_key_in_the_repository_is_a_cluster_s_only_if_somebody_says_so(waddle, cli, planted):
    stranger = "age1wxj77awlfm7gpnmyywgm75qdqyqxkrpqzddwacflkp3lrmftvfxqk67y8k"
    shutil.rmtree(waddle / "keys")
    (waddle / "keys").mkdir()
    settings = f"environments:\n  staging:\n    cluster_recipients: [{stranger}]\n"
    (waddle / planted).write_text(f"{stranger}\n" if planted.endswith(".pub") else settings)
    (waddle / ".sops.yaml").unlink()
    before = contents(waddle)
    result = cli("init", "--yes")
    assert result.exit_code == 2
    assert stranger in result.stderr
    assert "only this repository says so: compare it with the cluster's" in result.stdout
    assert contents(waddle) == before
    assert cli("init", "--yes", "--reader", stranger).exit_code == 0


def test_a_stranger_is_shown_and_gets_nothing(waddle, cli):
    stranger = "age1wxj77awlfm7gpnmyywgm75qdqyqxkrpqzddwacflkp3lrmftvfxqk67y8k"
    shutil.rmtree(waddle / "keys")
    (waddle / ".sops.yaml").write_text(f"creation_rules:\n  - path_regex: ^clusters/\n    age: {stranger}\n")
    result = cli("init", "--yes", "--skip", "ci")
    assert result.exit_code == 0, result.stderr
    assert ".sops.yaml:2" in result.stdout
    assert "nothing says whose key" in result.stdout
    assert (waddle / ".sops.yaml").read_text().count(stranger) == 1


def test_a_colleague_in_a_fresh_clone_is_told_who_can_help(encrypted_waddle, cli, home):
    before = (encrypted_waddle / ".sops.yaml").read_bytes()
    result = cli("init", "--yes", "--name", "wendy", "--skip", "ci", "--skip", "baseline")
    assert result.exit_code == 0, result.stderr
    assert "no rule names you" in result.stdout
    assert "recipients add wendy --env production" in result.stdout
    assert (encrypted_waddle / ".sops.yaml").read_bytes() == before
    assert (encrypted_waddle / "keys/wendy.pub").exists()


def test_a_rule_that_lacks_the_cluster_is_told_and_the_hint_works(waddle, cli, identity):
    (waddle / ".sops.yaml").write_text(
        "creation_rules:\n"
        "  - path_regex: ^clusters/staging/\n"
        "    encrypted_regex: ^(data|stringData)$\n"
        f"    age: {identity.recipient}\n"
    )
    assert cli("encrypt", "clusters/staging").exit_code == 0
    result = cli("init", "--yes", "--skip", "ci", "--skip", "hook", "--skip", "baseline")
    assert "is for files of staging, and its cluster can't read them" in result.stdout
    (hint,) = (line for line in result.stdout.splitlines() if "recipients add cluster-staging" in line)
    assert cli(*shlex.split(hint.split("`")[1])[1:]).exit_code == 0
    assert "cluster-staging" in cli("status", "clusters/staging").stdout
    assert "can't read them" not in cli("init").stdout


def test_several_identities_need_a_choice(new, cli, home):
    new(CLUSTERS)
    for _ in range(2):
        assert cli("keys", "generate").exit_code == 0
    result = cli("init", "--yes")
    assert result.exit_code == 2
    assert "--identity age1" not in result.stderr, "either may be the key of another repository's cluster"
    key = next(word for word in result.stderr.split() if word.startswith("age1"))
    assert cli("init", "--yes", "--identity", key, "--name", "me").exit_code == 0
    assert cli("init", "--yes", "--identity", "age1nobody").exit_code == 2


def test_the_identity_of_most_rules_is_ones_own(waddle, cli, act_as):
    bob, alice = act_as("bob"), act_as("alice")
    alice.path.write_text(f"{bob.secret}\n{alice.secret}\n", encoding="utf-8")
    assert "keep     alice " in cli("init").stdout  # bob is in the rules of staging only


def test_files_that_flux_does_not_apply_need_not_be_for_the_cluster(waddle, cli, identity):
    assert cli("encrypt").exit_code == 0
    (waddle / ".fluxsecrets.yaml").write_text("environments: {staging: {files: [talos/**]}}\n")
    (waddle / "talos").mkdir()
    (waddle / "talos/.sops.yaml").write_text(f"creation_rules: [{{age: {identity.recipient}}}]\n")
    (waddle / "talos/machine.sops.yaml").write_text("key: throwaway\n")
    assert "can't read them" not in cli("init").stdout


def test_attributes_that_win_over_the_drivers_are_told(encrypted_waddle, cli):
    with (encrypted_waddle / ".gitattributes").open("a", encoding="utf-8") as file:
        file.write("*.yaml diff=sopsdiffer\n")
    assert "diff is sopsdiffer for encrypted files, and wins over the driver's lines" in cli("init").stdout


def test_a_name_that_somebody_has_is_refused(new, cli):
    root = new(CLUSTERS)
    put(root, {"keys/wendy-waddle.pub": (f"{OTHER}\n")})
    result = cli("init", "--yes")
    assert result.exit_code == 2
    assert "--name wendy-waddle-2" in result.stderr
    assert cli("init", "--yes", "--name", "../x").exit_code == 2
    assert cli("init", "--yes", "--name", "wendy-laptop").exit_code == 0


OTHER = "age1wxj77awlfm7gpnmyywgm75qdqyqxkrpqzddwacflkp3lrmftvfxqk67y8k"


def test_a_job_is_for_the_forge_of_origin(new, cli, git):
    root = new(CLUSTERS)
    assert actions(report(cli, "--dry-run"))["CI"] == "skip"
    git(root, "remote", "add", "origin", "https://gitlab.example.org/waddle/infra.git")
    assert cli("init", "--yes").exit_code == 0
    assert "fluxsecrets scan" in (root / ".gitlab/secrets.yml").read_text()
    assert (root / ".gitlab-ci.yml").read_text() == "include: [{local: .gitlab/secrets.yml}]\n"


@pytest.mark.parametrize("forge", command.FORGES)
def test_there_is_a_job_for_each_forge(new, cli, forge):
    new({})
    found = report(cli, "--dry-run", "--ci", forge)
    assert next(item["action"] for item in found["items"] if item["step"] == "ci") == "create"


def test_a_pipeline_that_is_there_is_not_changed(new, cli):
    root = new({**CLUSTERS, ".gitlab-ci.yml": "stages: [test]\n"})
    result = cli("init", "--yes")
    assert (root / ".gitlab-ci.yml").read_text() == "stages: [test]\n"
    assert "add `include: [{local: .gitlab/secrets.yml}]`" in result.stdout


def test_what_encrypting_does_not_fix_can_be_accepted(new, cli):
    token = "".join(("ghp_", "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"))
    root = new({**CLUSTERS, "tools/run.sh": f"export GITHUB_TOKEN={token}\n"})
    result = cli("init", "--yes", "--skip", "hook")
    assert "1 finding of `scan` that encrypting does not fix" in result.stdout
    assert not (root / ".fluxsecrets-baseline.json").exists()
    assert cli("init", "--yes", "--skip", "hook", "--baseline").exit_code == 0
    known = json.loads((root / ".fluxsecrets-baseline.json").read_text())["findings"]
    assert [each["path"] for each in known] == ["tools/run.sh"]  # none of those that get encrypted
    assert "nothing to do" in cli("init", "--skip", "hook").stderr


def test_decryption_that_is_missing_is_shown_and_no_manifest_changes(new, cli):
    text = CLUSTERS["clusters/staging/apps.yaml"].replace("decryption:", "# decryption:")
    root = new({**CLUSTERS, "clusters/staging/apps.yaml": text})
    found = report(cli, "--yes")
    assert [each["path"] for each in found["edits"]] == ["clusters/staging/apps.yaml"]
    assert found["edits"][0]["lines"][0] == "decryption:"
    assert (root / "clusters/staging/apps.yaml").read_text() == text


# Hostile repositories.


def test_links_are_not_written_through(new, cli, tmp_path):
    root = new(CLUSTERS)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "rules.yaml").write_text("creation_rules: []\n")
    for name, target in ((".sops.yaml", outside / "rules.yaml"), ("keys", outside)):
        (root / name).symlink_to(target)
        result = cli("init", "--yes")
        assert result.exit_code == 2
        assert "symbolic link" in result.stderr
        (root / name).unlink()
    (root / ".gitignore").symlink_to(outside / "rules.yaml")
    assert actions(report(cli, "--yes"))[".gitignore"] == "yours"
    assert contents(outside) == {"rules.yaml": b"creation_rules: []\n"}


def test_a_private_key_in_the_repository_is_told(new, cli, home):
    assert cli("keys", "generate", "-o", str(home / "one.txt")).exit_code == 0
    text = (home / "one.txt").read_text()
    new({**CLUSTERS, "keys/flux.agekey": text, "age.agekey": text})
    result = cli("init", "--yes", "--skip", "baseline")
    assert actions(report(cli))["keys/flux.agekey"] == "yours"
    assert actions(report(cli))["age.agekey"] == "yours"
    assert PRIVATE not in result.stdout + result.stderr


def test_odd_names_of_folders(new, cli):
    odd = "clusters/we ird+(x)"
    files = {path.replace("clusters/staging", odd): text for path, text in CLUSTERS.items()}
    sync = f"{odd}/flux-system/gotk-sync.yaml"
    files[sync] = files[sync].replace("./clusters/staging", f'"./{odd}"')
    root = new(files)
    result = cli("init", "--yes")
    assert result.exit_code == 0, result.stderr
    assert cli("encrypt").exit_code == 0
    assert not any(THROWAWAY.encode() in data for data in contents(root).values())
    assert all(path.name.isascii() and " " not in path.name for path in (root / "keys").iterdir())


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are text there")
def test_names_that_are_not_text(new, cli):
    root = new(CLUSTERS)
    folder = root / os.fsdecode(b"apps/staging/\xff")
    folder.mkdir()
    (folder / "db.yaml").write_text(secret("db"))
    result = cli("init", "--yes", "--skip", "hook", "--skip", "baseline")
    assert result.exit_code == 0, result.stderr
    assert "its name is not UTF-8" in result.stdout
    assert cli("encrypt", "apps/staging/db.env").exit_code == 0


def test_a_misspelled_configuration_is_not_doubled(new, cli):
    root = new({**CLUSTERS, ".sops.yml": "creation_rules: []\n"})
    result = cli("init", "--yes")
    assert result.exit_code == 2
    assert "git mv .sops.yml .sops.yaml" in result.stderr
    assert not (root / ".sops.yaml").exists()


def test_rules_that_cannot_be_added_to(new, cli, home):
    text = f"creation_rules: [{{path_regex: ^nowhere/, age: {OTHER}}}]\n"
    root = new({**CLUSTERS, ".sops.yaml": text})
    result = cli("init", "--yes")
    assert result.exit_code == 2
    assert ".sops.yaml:1" in result.stderr
    assert (root / ".sops.yaml").read_text() == text
    assert not key_file(home).exists()


def test_a_nested_configuration_without_a_rule_is_told(new, cli):
    new({**CLUSTERS, "apps/staging/.sops.yaml": f"creation_rules: [{{path_regex: ^none$, age: {OTHER}}}]\n"})
    result = cli("init", "--yes")
    assert result.exit_code == 0
    assert "apps/staging/.sops.yaml decides here, and has no rule for it" in result.stdout


# Somebody answers.


@pytest.fixture
def person(monkeypatch):
    """Somebody at a terminal who gives these answers."""

    def answer(*answers):
        left = list(answers)
        monkeypatch.setattr(command, "_somebody_is_there", lambda: True)
        monkeypatch.setattr("click.prompt", lambda *_args, **_options: left.pop(0))
        monkeypatch.setattr("click.confirm", lambda *_args, **_options: left.pop(0))
        return left

    return answer


def test_a_person_is_asked_who_it_is_and_where_keys_go(new, cli, person, monkeypatch):
    root = new(CLUSTERS)
    monkeypatch.setattr(command, "_has_keyring", lambda: False)
    left = person("wendy", True)
    assert cli("init").exit_code == 0
    assert left == []
    assert (root / "keys/wendy.pub").exists()


def test_a_keyring_that_this_machine_has_not_is_no_choice(new, cli, person, home, monkeypatch):
    def missing(**_options):
        raise KeyringError("the OS keyring cannot be used: this machine or session has none")

    monkeypatch.setattr("fluxsecrets.keys.oskeyring.keyring_name", missing)
    new(CLUSTERS)
    left = person("wendy", True)
    assert cli("init", "--skip", "ci").exit_code == 0
    assert not left
    assert key_file(home).exists()


def test_a_person_who_says_no_gets_nothing(new, cli, person, home, monkeypatch):
    root = new(CLUSTERS)
    monkeypatch.setattr(command, "_has_keyring", lambda: True)
    before = contents(root)
    left = person("wendy", "file", False)
    assert cli("init").exit_code == 1
    assert left == []
    assert contents(root) == before
    assert not key_file(home).exists()


def test_a_person_chooses_among_identities_and_readers(waddle, cli, person, act_as, monkeypatch):
    (waddle / ".sops.yaml").unlink()
    monkeypatch.setattr(command, "_has_keyring", lambda: False)
    left = person("bob", True)
    assert cli("init").exit_code == 0
    assert left == []
    assert "bob" in (waddle / ".sops.yaml").read_text()


def test_options_are_those_of_the_steps():
    from fluxsecrets.ops.init import steps
    from fluxsecrets.ops.init.steps import ci

    assert command.SKIPPABLE == steps.SKIPPABLE
    assert tuple(forge.id for forge in ci.FORGES) == command.FORGES


# Crashes.


def test_a_crash_at_any_write_leaves_no_private_key_and_a_second_run_completes(new, cli, home):
    small = {path: text for path, text in CLUSTERS.items() if "production" not in path}
    root = new(small)
    before = contents(root)
    options = ("init", "--yes", "--skip", "hook", "--skip", "baseline", "--ci", "github")
    states = states_of(lambda: cli(*options), (root, home))
    assert len(states) > 10
    wanted = contents(root)
    for state in states:
        private = {path for path, entry in state.items() if entry.data and PRIVATE.encode() in entry.data}
        assert not any(path.is_relative_to(root) for path in private)
        kept = {path.relative_to(root).as_posix(): entry.data for path, entry in state.items()
                if path.is_relative_to(root) and entry.data is not None}  # fmt: skip
        assert {path: kept.get(path) for path in before} == before
    for state in states[:: max(1, len(states) // 8)]:
        put_back(state, (root, home))
        assert cli(*options).exit_code == 0
        assert contents(root).keys() == wanted.keys()
        assert key_file(home).read_text().count(PRIVATE) == 2  # none is left that nothing names
        assert (root / "keys/cluster-staging.pub").read_text().strip() in (root / ".sops.yaml").read_text()


def test_a_run_that_fails_leaves_nothing(new, cli, home, monkeypatch):
    root = new(CLUSTERS)
    before = contents(root)
    key_file(home).parent.mkdir(parents=True)
    key_file(home).write_text("not a key file\n")
    result = cli("init", "--yes", "--name", "wendy")
    assert result.exit_code == 2
    assert contents(root) == before
    assert key_file(home).read_text() == "not a key file\n"
