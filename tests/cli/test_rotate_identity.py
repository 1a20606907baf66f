"""`fluxsecrets rotate --identity`: a new identity for a cluster, and a time in which either works."""

import json
import os
import shutil
import subprocess

import pytest
from tests.conftest import commit_all
from tests.faults import killed_before

from fluxsecrets.files import beside

BEGIN = ("rotate", "--env", "staging", "--identity")
FINISH = (*BEGIN, "--finish", "--yes")

SHARED = {
    "infrastructure-k8s/cert-manager/cloudflare-secret.yaml",
    "infrastructure-k8s/storage/proxmox-csi-secret.yaml",
}


def new_identities(home, known):
    """The identities in the key file that were not there before."""
    path = home / "alice.txt"
    return [line for line in path.read_text().splitlines() if line.startswith("AGE-") and line not in known]


def decrypts(cli, paths, key, monkeypatch, tmp_path):
    """Whether an identity opens each of some files, and what it does not open."""
    path = tmp_path / "one.txt"
    path.write_text(key + "\n")
    path.chmod(0o600)
    with monkeypatch.context() as patch:
        patch.setenv("SOPS_AGE_KEY_FILE", str(path))
        return {each: cli("decrypt", each).exit_code == 0 for each in paths}


def changed_files(git, folder):
    status = git(folder, "status", "--porcelain", "--untracked-files=all")
    return {line[3:] for line in status.splitlines()}


def test_the_example_from_the_first_step_to_the_last(
    encrypted_waddle, cli, git, act_as, identity, environment, monkeypatch, tmp_path, snapshot
):
    waddle = encrypted_waddle
    old_key = act_as("cluster").secret
    act_as("alice")
    rules = (waddle / ".sops.yaml").read_bytes()
    plan = cli(*BEGIN, "--dry-run")
    assert plan.exit_code == 0, plan.stderr
    assert changed_files(git, waddle) == set()
    begun = cli(*BEGIN)
    assert begun.exit_code == 0, begun.stderr
    (new_key,) = new_identities(environment, {identity.secret})
    assert plan.stdout.replace("would rotate", "rotated") == begun.stdout, "a dry run is exact"
    assert begun.stderr.replace(str(environment), "HOME") == snapshot(name="begun")

    ours = {line.split("   ")[0] for line in begun.stdout.splitlines()}
    assert len(ours) == 10
    assert ours >= SHARED
    assert not any("production" in path for path in ours)
    assert changed_files(git, waddle) == ours | {".sops.yaml", "keys/cluster-staging-new.pub"}
    some = SHARED | {path for path in ours if "spicedb" in path}
    for key in (old_key, new_key):
        assert all(decrypts(cli, some, key, monkeypatch, tmp_path).values())
    assert cli("recipients", "sync", "--all", "--check").exit_code == 0, "files and rules agree"

    git(waddle, "add", "--all")
    git(waddle, "commit", "--quiet", "--message", "both")
    again = cli(*BEGIN)
    assert again.exit_code == 2
    assert "already in progress: cluster-staging-new" in again.stderr
    unconfirmed = cli(*FINISH[:-1])
    assert unconfirmed.exit_code == 2
    assert "cannot ask whether" in unconfirmed.stderr
    assert changed_files(git, waddle) == set()

    ended = cli(*FINISH)
    assert ended.exit_code == 0, ended.stderr
    assert ended.stderr == snapshot(name="ended")
    assert changed_files(git, waddle) == ours | {
        ".sops.yaml",
        "keys/cluster-staging.pub",
        "keys/cluster-staging-new.pub",
    }
    assert not any(decrypts(cli, some, old_key, monkeypatch, tmp_path).values())
    assert all(decrypts(cli, some, new_key, monkeypatch, tmp_path).values())
    before, after = rules.splitlines(), (waddle / ".sops.yaml").read_bytes().splitlines()
    (line,) = [number for number in range(len(before)) if before[number] != after[number]]
    assert b"&cluster-staging age1" in after[line], "one line differs from what was there at first"
    assert cli("recipients", "sync", "--all", "--check").exit_code == 0
    assert cli(*FINISH).exit_code == 2, "there is nothing to end any more"


@pytest.mark.skipif(shutil.which("sops") is None, reason="sops is not on PATH: it is not asked to read them")
def test_sops_reads_with_either_and_then_with_the_new_one_only(
    encrypted_waddle, cli, act_as, identity, environment, tmp_path
):
    old_key = act_as("cluster").secret
    act_as("alice")
    result = cli(*BEGIN, "--format", "json")
    (new_key,) = new_identities(environment, {identity.secret})
    paths = [each["path"] for each in json.loads(result.stdout)["files"]]
    paths = [path for path in paths if "spicedb" in path or path in SHARED]
    assert len(paths) == 6

    def sops_reads(key, path):
        variables = {name: value for name, value in os.environ.items() if not name.startswith("SOPS_")}
        variables["SOPS_AGE_KEY"] = key
        kind = "dotenv" if path.endswith(".env") else path.rpartition(".")[2]
        kind = kind if kind in ("yaml", "json", "dotenv") else "binary"
        command = ["sops", "-d", "--input-type", kind, path]
        done = subprocess.run(command, env=variables, capture_output=True, timeout=60, check=False)
        return done.returncode == 0

    assert all(sops_reads(key, path) for path in paths for key in (old_key, new_key))
    assert cli(*FINISH).exit_code == 0
    assert all(sops_reads(new_key, path) and not sops_reads(old_key, path) for path in paths)


# A small repository, whose cluster keeps its identity in it.


@pytest.fixture
def small(tmp_path, act_as, identity, monkeypatch, cli):
    """Two environments that share a file; staging's identity Secret is in the repository, for alice only."""
    cluster = act_as("cluster")
    bob = act_as("bob")
    act_as("alice")
    root = tmp_path / "small"

    def write(name, text):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

    alice = identity.recipient
    selector = "encrypted_regex: ^(data|stringData)$"
    write(
        ".sops.yaml",
        "creation_rules:\n"
        f"  - {{path_regex: sops-age, {selector}, age: {alice}}}\n"
        f"  - {{path_regex: clusters/production/, {selector}, age: '{alice},{bob.recipient}'}}\n"
        f"  - path_regex: .*\n    {selector}\n    age: {alice},{cluster.recipient} # both\n",
    )
    write(
        ".fluxsecrets.yaml",
        f"environments:\n  staging:\n    cluster_recipients: [{cluster.recipient}] # the cluster's own\n",
    )
    for name in ("staging", "production"):
        write(
            f"clusters/{name}/apps.yaml",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
            "metadata: {name: apps, namespace: flux-system}\n"
            "spec:\n  path: ./shared\n  sourceRef: {kind: GitRepository, name: flux-system}\n"
            "  decryption: {provider: sops, secretRef: {name: sops-age}}\n",
        )
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {}, namespace: flux-system}}\nstringData:\n  {}\n"
    )
    write("clusters/staging/db.yaml", secret.format("db", "password: throwaway-one"))
    write("clusters/production/db.yaml", secret.format("db", "password: throwaway-two"))
    write("shared/db.yaml", secret.format("shared", "password: throwaway-three"))
    write(
        "clusters/staging/sops-age.yaml",
        secret.format(
            "sops-age", f"age.agekey: |\n    # public key: {cluster.recipient}\n    {cluster.secret}"
        ),
    )
    monkeypatch.chdir(root)
    commit_all(root, "plain")
    assert cli("encrypt").exit_code == 0
    commit_all(root, "encrypted")
    return root


def test_the_secret_in_the_repository_and_the_settings_go_along(
    small, cli, git, act_as, environment, identity
):
    old = act_as("cluster")
    act_as("alice")
    result = cli(*BEGIN, "--format", "json")
    assert result.exit_code == 0, result.stderr
    (key,) = new_identities(environment, {identity.secret})
    shown = {each["path"]: each for each in json.loads(result.stdout)["files"]}
    assert shown.keys() == {"clusters/staging/db.yaml", "shared/db.yaml", "clusters/staging/sops-age.yaml"}
    assert shown["clusters/staging/sops-age.yaml"]["regenerated"] == ["stringData['age.agekey']"]
    assert shown["clusters/staging/sops-age.yaml"]["added"] == [], "it is alice's, not the cluster's"
    assert shown["shared/db.yaml"]["shared_with"] == ["production"]
    assert "holds both identities now" in " ".join(json.loads(result.stdout)["notes"])
    held = cli("decrypt", "clusters/staging/sops-age.yaml").stdout
    assert old.secret in held
    assert key in held
    settings = (small / ".fluxsecrets.yaml").read_text()
    assert settings.count("age1") == 2
    assert settings.endswith("] # the cluster's own\n")
    commit_all(small, "both")
    assert cli(*FINISH).exit_code == 0
    held = cli("decrypt", "clusters/staging/sops-age.yaml").stdout
    assert old.secret not in held
    assert old.recipient not in held
    assert key in held
    settings = (small / ".fluxsecrets.yaml").read_text()
    assert settings.count("age1") == 1
    assert old.recipient not in settings
    assert "# both" in (small / ".sops.yaml").read_text()
    assert changed_files(git, small) >= {"keys/cluster-staging-new.pub"}


def test_where_one_file_cannot_go_along_nothing_changes(small, cli, git):
    path = small / "shared" / "db.yaml"
    path.write_text(path.read_text().replace("name: shared", "name: changed"))
    before = changed_files(git, small)
    result = cli(*BEGIN)
    assert result.exit_code == 2
    assert "shared/db.yaml" in result.stderr
    assert "nothing was changed: rules and files change together, and 1 of 3 files failed" in result.stderr
    assert "can run" not in result.stderr, "the file opens, so nobody else could do more about it"
    assert changed_files(git, small) == before


def test_a_key_that_was_made_elsewhere(small, cli, act_as, environment, identity):
    bob = act_as("bob")
    act_as("alice")
    result = cli(*BEGIN, "--new", bob.recipient)
    assert result.exit_code == 0, result.stderr
    assert new_identities(environment, {identity.secret}) == []
    assert "the repository does not keep" in result.stderr, "its private half is not here to be put in"
    act_as("bob")
    assert cli("decrypt", "clusters/staging/db.yaml").exit_code == 0
    act_as("alice")
    refused = cli(*FINISH)
    assert refused.exit_code == 2
    assert "holds the old identity and not the new one" in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("rotate", "--identity"),
        ("rotate", "--all", "--identity"),
        ("rotate", "--env", "staging", "--finish"),
        (*BEGIN, "--values"),
        (*BEGIN, "--old", "nobody"),
        (*BEGIN, "--new", "age1nonsense"),
        ("rotate", "--env", "nowhere", "--identity"),
        ("rotate", "--env", "production", "--identity"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(small, cli, git, environment, identity, arguments):
    result = cli(*arguments)
    assert result.exit_code == 2
    assert "hint:" in result.stderr
    assert changed_files(git, small) == set()
    assert new_identities(environment, {identity.secret}) == []


def test_a_key_file_in_the_repository_is_warned_of(small, cli, identity, monkeypatch):
    inside = small / "keys.txt"
    inside.write_text(f"{identity.secret}\n")
    inside.chmod(0o600)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(inside))
    begun = cli(*BEGIN)
    assert begun.exit_code == 0
    assert "keys.txt is in the repository and not ignored by git" in begun.stderr


def test_killed_at_any_write_nothing_is_lost(small, cli, act_as, environment, tmp_path, monkeypatch):
    monkeypatch.setattr(beside, "is_running", lambda _process: False)  # the process that was killed
    old = act_as("cluster").secret
    act_as("alice")
    secrets = ("clusters/staging/db.yaml", "shared/db.yaml")
    shutil.rmtree(small / ".git" / "hooks")
    before = contents(small)
    results = []
    known = set(new_identities(environment, set()))
    ended = {"--resume": 0, "--abort": 0}
    step = 0
    while True:
        here, end = tmp_path / f"step{step}", list(ended)[step % 2]
        shutil.copytree(small, here)
        monkeypatch.chdir(here)
        # Of the key file; whoever finds it there is told to remove it
        (environment / "alice.txt.lock").unlink(missing_ok=True)
        if not killed_before(step, lambda: results.append(cli(*BEGIN))):
            break
        opened = decrypts(cli, secrets, old, monkeypatch, tmp_path)
        assert all(opened.values()), "the cluster's old identity opens its files at every moment"
        pending = (here / ".git" / "fluxsecrets" / "journal").exists()
        if pending:
            ended[end] += 1
            ending = cli("rotate", end)
            if ending.exit_code != 0:
                assert "before the new identity was kept" in ending.stderr
                end = "--abort"
                assert cli("rotate", end).exit_code == 0
        after = contents(here)
        done = "keys/cluster-staging-new.pub" in after
        assert done or after == before
        made = new_identities(environment, known)
        assert len(made) == done, "an identity is kept with the files that name it, or not at all"
        known.update(made)
        assert not pending or done == (end == "--resume")
        assert cli("decrypt", secrets[step % 2]).exit_code == 0
        step += 1
        assert step < 100
    assert results[-1].exit_code == 0, results[-1].stderr
    assert min(ended.values()) >= 4


def contents(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts and not path.name.endswith(".tmp")
    }
