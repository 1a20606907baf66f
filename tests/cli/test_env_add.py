"""`fluxsecrets env add`."""

import json
import re
import shlex
from base64 import b64decode, b64encode

import pytest
from tests.faults import killed_before

from fluxsecrets.ops.run import settling
from layouts import SECRET_AGE, flux, git_repository, secret

THROWAWAY = re.compile(rb"throwaway|dGhyb3dhd2F5|Rocm93YXdhe|aHJvd2F3YX")
SECRETS = "apps/cloudnative-pg/overlays/dr/secrets.yaml"
PRODUCTION = "age14q0m73pt0v3vhtwsla3y85snce232wjjnzc787th7snm6e329auqjxn43c"
PGPASS = "apps/spicedb/overlays/dr/files/pgpass.conf"


def changes(git, folder):
    return git(folder, "status", "--porcelain", "--untracked-files=all").splitlines()


def new_files(git, folder):
    return [line[3:] for line in changes(git, folder) if line.startswith("??")]


def shape(cli, name):
    report = json.loads(cli("env", "show", name, "--format", "json").stdout)
    return [
        (item["name"], item["depends_on"], item["decryption"], [each["name"] for each in item["secrets"]])
        for item in report["kustomizations"]
    ]


def commit(git, folder):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")


def check_rules(diff):
    """Rules are put into the text, and every old line stays."""
    assert not [line for line in diff if line.startswith("-") and not line.startswith("---")]
    added = [line[1:] for line in diff if line.startswith("+") and not line.startswith("+++")]
    assert re.fullmatch(r"  - &cluster-dr age1[0-9a-z]{58}", added.pop(0))
    assert added == [
        "  - path_regex: ^apps/[^/]+/overlays/dr/files/",
        "    key_groups:",
        "      - age:",
        "          - *alice",
        "          - *cluster-dr",
        r"  - path_regex: ^(clusters/dr|apps/[^/]+/overlays/dr)/.*\.(ya?ml|json)$",
        "    encrypted_regex: ^(data|stringData)$",
        "    key_groups:",
        "      - age:",
        "          - *alice",
        "          - *cluster-dr",
        "          - *cluster-dr",
    ]


def test_add_then_encrypt_gives_the_same_shape_and_none_of_the_values(waddle, cli, git, identity):
    result = cli("env", "add", "dr", "--from", "production")
    assert result.exit_code == 0, result.stderr
    made = new_files(git, waddle)
    assert len(made) == 33
    check_rules(git(waddle, "diff", ".sops.yaml").splitlines())
    registry = json.loads((waddle / "apps/spicedb/overlays/dr/registry.json").read_text())
    assert registry["data"] == {".dockerconfigjson": b64encode(b'{"auths": {"REPLACE_ME": {}}}').decode()}
    assert all("/dr/" in path or path == "keys/cluster-dr.pub" for path in made)
    assert not any(THROWAWAY.search((waddle / path).read_bytes()) for path in made)
    assert not any(b"production" in (waddle / path).read_bytes() for path in made if "spicedb" not in path)
    assert cli("encrypt", "--env", "dr").exit_code == 0
    assert shape(cli, "dr") == shape(cli, "production")
    report = json.loads(cli("env", "show", "dr", "--format", "json").stdout)
    assert report["secrets"] == {"sops": 12, "external": 1}
    assert cli("status", "--env", "dr").stdout.count("alice, cluster-dr\n") == 8
    key = (waddle / "keys/cluster-dr.pub").read_text()
    assert f"# public key: {key}" in identity.path.read_text()


def test_a_dry_run_shows_the_plan_and_a_diff_and_writes_nothing(waddle, cli, git, identity, snapshot):
    before = identity.path.read_bytes()
    result = cli("env", "add", "dr", "--from", "production", "--dry-run")
    assert result.exit_code == 0
    assert result.stderr == snapshot
    assert changes(git, waddle) == []
    assert identity.path.read_bytes() == before
    assert "+++ b/clusters/dr/apps.yaml" in result.stdout
    assert "+  - &cluster-dr (the new key of dr)" in result.stdout
    assert "age1" not in "".join(line for line in result.stdout.splitlines() if line.startswith("+"))
    assert not THROWAWAY.search(result.stdout_bytes)


def test_what_both_use_is_encrypted_for_the_new_cluster_by_sync(waddle, cli):
    shared = "infrastructure-k8s/storage/proxmox-csi-secret.yaml"
    assert cli("encrypt").exit_code == 0
    result = cli("env", "add", "dr", "--from", "production")
    assert f"    {shared}\n" in result.stdout
    assert "fluxsecrets recipients sync --env dr" in result.stderr
    assert cli("recipients", "sync", "--env", "dr").exit_code == 0
    assert "cluster-dr" in next(line for line in cli("status").stdout.splitlines() if line.startswith(shared))


def test_from_encrypted_files_no_key_is_needed(waddle, cli, git, act_as, monkeypatch):
    assert cli("encrypt").exit_code == 0
    commit(git, waddle)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(waddle.parent / "none.txt"))
    result = cli("env", "add", "dr", "--from", "production")
    assert result.exit_code == 0, result.stderr
    assert "REPLACE_ME" in (waddle / SECRETS).read_text()
    assert not any(b"sops" in (waddle / path).read_bytes() for path in (SECRETS, PGPASS))
    assert (waddle / PGPASS).read_text() == "REPLACE_ME\n"
    settings = (waddle / "clusters/dr/infrastructure/cluster-settings.yaml").read_text()
    assert "cluster_name: REPLACE_ME" in settings  # it was encrypted along with the Secrets
    assert "a comment that was encrypted" in settings
    assert cli("encrypt", "--env", "dr").exit_code == 0
    assert shape(cli, "dr") == shape(cli, "production")


def test_a_key_file_in_the_repository_is_warned_of(waddle, cli, monkeypatch):
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", "new.txt")
    result = cli("env", "add", "dr", "--from", "production")
    assert result.exit_code == 0, result.stderr
    assert "new.txt is in the repository and not ignored by git" in result.stderr


@pytest.mark.parametrize("encrypted", [False, True])
def test_copied_values_are_never_written_in_plain_text(waddle, cli, git, encrypted):
    if encrypted:
        assert cli("encrypt").exit_code == 0
        commit(git, waddle)
    result = cli("env", "add", "dr", "--from", "production", "--copy-values")
    assert result.exit_code == 0, result.stderr
    assert not any(THROWAWAY.search((waddle / path).read_bytes()) for path in new_files(git, waddle))
    # Files that dr shares with production are plain, or do not know dr's key yet.
    checked = cli("encrypt", "--env", "dr", "--check")
    assert checked.exit_code == 1
    told = "differs from its rule" if encrypted else "would encrypt"
    assert all(told in line for line in checked.stdout.splitlines())
    assert all(line.startswith("infrastructure-k8s/") for line in checked.stdout.splitlines())
    for path in (SECRETS, PGPASS, "apps/spicedb/overlays/dr/files/clients.json"):
        old = path.replace("/dr/", "/production/")
        source = cli("decrypt", old).stdout_bytes if encrypted else (waddle / old).read_bytes()
        assert cli("decrypt", path).stdout_bytes == source.replace(b"overlays/production", b"overlays/dr")


def test_generated_values(waddle, cli):
    result = cli(
        "env", "add", "dr", "--from", "production", "--generate", "passw*=hex:16", "--generate", "none"
    )
    assert result.exit_code == 0, result.stderr
    assert "no secret has a key 'none'" in result.stderr
    text = cli("decrypt", SECRETS).stdout
    superuser, app = re.findall(r"password: (\S+)", text)
    assert re.fullmatch("[0-9a-f]{32}", b64decode(superuser).decode())
    assert re.fullmatch("'[0-9a-f]{32}'", app)
    assert "access-key-id: REPLACE_ME" in text
    assert b"ENC[AES256_GCM" in (waddle / SECRETS).read_bytes()


def test_sealed_secrets_become_secrets_to_be_sealed(waddle, cli):
    result = cli("env", "add", "qa", "--from", "staging", "--copy-values")
    path = "apps/observability/overlays/qa/grafana-oauth-sealed.yaml"
    text = (waddle / path).read_text()
    assert "kind: Secret\n" in text
    assert "encryptedData" not in text
    assert text.count("REPLACE_ME") == 2
    assert "only their cluster opens them" in result.stderr
    assert f"fluxsecrets seal {path} --cert CERTIFICATE" in result.stderr


def test_an_identity_that_the_cluster_has_already(waddle, cli, identity):
    before = identity.path.read_bytes()
    key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
    result = cli("env", "add", "dr", "--from", "production", "--recipient", key, "--format", "json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["key"] == {"name": "cluster-dr", "recipient": key, "made": False}
    assert report["written"]
    assert {"path": ".sops.yaml", "origin": None, "new": False} in report["files"]
    assert identity.path.read_bytes() == before
    assert (waddle / "keys/cluster-dr.pub").read_text() == f"{key}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["staging", "--from", "production"], "the environment 'staging' already exists"),
        (["Dr", "--from", "production"], "'Dr' is not a valid name for an environment"),
        (["yes", "--from", "production"], "is not a valid name for an environment"),
        (["../dr", "--from", "production"], "is not a valid name for an environment"),
        (["dr", "--from", "prod"], "did you mean production?"),
        (["dr"], "the one to make it from"),
        (["dr", "--from", "production", "--recipient", "age1nonsense"], "age1nonsense"),
        (["dr", "--from", "production", "--recipient", PRODUCTION], "the key of production's own cluster"),
        (["dr", "--from", "production", "--generate", "password=nonsense"], "can't be generated"),
        (["--resume"], "nothing was interrupted here"),
        (["--resume", "--abort"], "stand alone"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_touches_nothing(waddle, cli, git, identity, arguments, message):
    before = identity.path.read_bytes()
    result = cli("env", "add", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert changes(git, waddle) == []
    assert identity.path.read_bytes() == before


def test_a_file_in_the_way(waddle, cli, git):
    (waddle / "apps/spicedb/overlays/dr").mkdir()
    (waddle / "apps/spicedb/overlays/dr/registry.json").write_text("{}")
    result = cli("env", "add", "dr", "--from", "production")
    assert result.exit_code == 2
    assert "registry.json: a file is already there" in result.stderr
    assert new_files(git, waddle) == ["apps/spicedb/overlays/dr/registry.json"]


@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (
            "apps/cloudnative-pg/overlays/production/kustomization.yaml",
            "patches:\n",
            "patches:\n  - target: {kind: Secret, name: x}\n    patch: |\n      - op: add\n"
            "        path: /data/password\n        value: dGhyb3dhd2F5\n",
            "would be copied",
        ),
        (
            "apps/cloudnative-pg/overlays/production/kustomization.yaml",
            "patches:\n",
            "patches:\n  - patch: |\n      apiVersion: v1\n      kind: Secret\n      metadata: {name: x}\n"
            "      data: {a: dGhyb3dhd2F5}\n",
            "would be copied",
        ),
        (
            "apps/cloudnative-pg/overlays/production/secrets.yaml",
            "kind: Secret\n",
            "kind: Secret\n  broken: [\n",
            "secrets.yaml",
        ),
    ],
)
def test_what_cannot_be_copied_without_its_values_stops_everything(waddle, cli, git, path, old, new, message):
    text = (waddle / path).read_text()
    assert old in text
    (waddle / path).write_text(text.replace(old, new, 1))
    commit(git, waddle)
    result = cli("env", "add", "dr", "--from", "production")
    assert result.exit_code == 2
    assert message in result.stderr
    assert changes(git, waddle) == []
    assert not THROWAWAY.search(result.stderr.encode())


def test_literals_of_generators_are_not_carried_over(waddle, cli, git):
    path = "apps/spicedb/overlays/production/kustomization.yaml"
    text = (waddle / path).read_text()
    literal = "secretGenerator:\n  - name: more\n    literals:\n      - token=throwaway-literal # why\n"
    (waddle / path).write_text(text.replace("secretGenerator:\n", literal))
    commit(git, waddle)
    result = cli("env", "add", "dr", "--from", "production", "--copy-values")
    assert result.exit_code == 0, result.stderr
    copied = (waddle / path.replace("production", "dr")).read_text()
    assert "      - token=REPLACE_ME # why\n" in copied
    assert "kustomization.yaml   to fill: token" in result.stdout


def fail_after(count, error):
    """A `write_batch` that fails with its nth file; the others are written."""
    write = settling.write_batch
    done = 0

    def write_batch(writes):
        nonlocal done
        for one in writes:
            if done == count:
                done += 1
                raise error
            done += 1
            yield from write([one])

    return write_batch


@pytest.mark.parametrize("count", [0, 33])
def test_nothing_is_touched_where_a_file_cannot_be_written(waddle, cli, git, identity, monkeypatch, count):
    from fluxsecrets.errors import FileAccessError

    before = identity.path.read_bytes()
    monkeypatch.setattr(settling, "write_batch", fail_after(count, FileAccessError("the disk is full")))
    result = cli("env", "add", "dr", "--from", "production")
    assert result.exit_code == 2
    assert "the disk is full" in result.stderr
    assert changes(git, waddle) == []
    assert identity.path.read_bytes() == before
    assert not (waddle / "clusters/dr").exists()


@pytest.mark.parametrize("step", range(0, 60, 3))
def test_killed_at_any_write_no_identity_is_left_that_nothing_names(waddle, cli, git, identity, step):
    before = identity.path.read_bytes()
    if not killed_before(step, lambda: cli("env", "add", "dr", "--from", "production")):
        return
    if cli("env", "add", "--resume").exit_code == 0:
        key = (waddle / "keys/cluster-dr.pub").read_text().strip()
        assert key in identity.path.read_text()
        return
    cli("env", "add", "--abort")
    assert changes(git, waddle) == [] or all(".tmp" in line for line in changes(git, waddle))
    assert identity.path.read_bytes() == before


def test_killed_before_the_identity_is_kept_it_is_taken_back(waddle, cli, git, identity, monkeypatch):
    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    before = identity.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("fluxsecrets.ops.people.keystore.keep_identity", killed)
        assert cli("env", "add", "dr", "--from", "production").exit_code == 130
    refused = cli("env", "add", "--resume")
    assert refused.exit_code == 2
    assert "before the new identity was kept" in refused.stderr
    assert cli("env", "add", "--abort").exit_code == 0
    assert changes(git, waddle) == []
    assert identity.path.read_bytes() == before


@pytest.mark.parametrize("way", ["--resume", "--abort"])
@pytest.mark.parametrize("count", [20])
def test_an_interruption_is_completed_or_taken_back(waddle, cli, git, identity, monkeypatch, count, way):
    before = identity.path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(settling, "write_batch", fail_after(count, KeyboardInterrupt()))
        assert cli("env", "add", "dr", "--from", "production").exit_code == 130
    refused = cli("env", "add", "qa", "--from", "staging")
    assert "`fluxsecrets env add` was interrupted here" in refused.stderr
    result = cli("env", "add", way)
    assert result.exit_code == 0, result.stderr
    if way == "--abort":
        assert changes(git, waddle) == []
        assert identity.path.read_bytes() == before
    else:
        assert len(new_files(git, waddle)) == 33
        assert shape(cli, "dr") == shape(cli, "production")
        key = (waddle / "keys/cluster-dr.pub").read_text().strip()
        assert key in identity.path.read_text()


OUTSIDE = {
    "kubernetes/production/flux/cluster.yaml": git_repository("home")
    + flux("apps", "./kubernetes/production/apps", SECRET_AGE, "interval: 10m", "prune: true", source="home"),
    "kubernetes/production/apps/secret.yaml": secret("x", "x"),
    "kubernetes/production/bootstrap/age.yaml": secret("sops-age", "flux-system"),
    "bootstrap/production/deploy-key.yaml": secret("deploy", "flux-system"),
    "talos/production.sops.yaml": "token: throwaway-in-plain-text\n",
    "terraform/production.enc.json": '{"token": "throwaway-in-plain-text"}\n',
    "odd/machine-production.yaml": "token: throwaway-in-plain-text\n",
}
"""Secrets that start a cluster, where Flux does not read them."""


def test_the_printed_steps_leave_no_secret_plain(folder, cli, git, identity):
    """What starts a cluster is in no Kustomization, and is the environment's all the same."""
    rules = "".join(
        f"- path_regex: {pattern}\n  encrypted_regex: ^(data|stringData|token)$\n"
        f"  age: {identity.recipient},{PRODUCTION}\n"
        for pattern in ("^odd/machine-production", "(^|/)production[./]")
    )
    folder.write(".sops.yaml", f"creation_rules:\n{rules}")
    folder.write(
        ".fluxsecrets.yaml",
        "environments:\n  production:\n    path: kubernetes/production/flux\n"
        f"    cluster_recipients: [{PRODUCTION}]\n    files: [odd/machine-production.yaml]\n",
    )
    for path, content in OUTSIDE.items():
        folder.write(path, content)
    paths = [path for path in OUTSIDE if not path.endswith("cluster.yaml")]
    assert cli("encrypt", "-i", *paths).exit_code == 0
    git(folder.path, "init", "--quiet")
    commit(git, folder.path)
    added = cli("env", "add", "dr", "--from", "production", "--yes")
    assert added.exit_code == 0, added.stderr
    new = [path.replace("production", "dr") for path in paths]
    for path in new:
        text = folder.read(path).decode()
        assert "REPLACE_ME" in text, path
        folder.write(path, text.replace("REPLACE_ME", "new-throwaway-value"))
    steps = re.findall(r"\d\. fluxsecrets (encrypt .*)", added.stderr)
    assert steps
    audited = cli("audit", "--env", "dr")
    assert audited.exit_code == 1
    assert "kubernetes/dr/bootstrap/age.yaml" in audited.stdout
    assert "bootstrap/dr/deploy-key.yaml" in audited.stdout
    for step in steps:
        assert cli(*shlex.split(step)).exit_code == 0
    assert not [path for path in new if b"throwaway" in folder.read(path)]
    assert cli("audit", "--env", "dr", "--severity", "high").exit_code == 0
