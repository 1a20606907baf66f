"""`scan`, `encrypt --check`, `status` and `audit` agree which files must be encrypted.

What one of them reports and another passes over is found by nobody: who runs the other one is told that all
is well. Repositories are put together at random, and all four look at each.
"""

import json
import random

import pytest

VALUE = "throw-away-8f7g6h5j4k3l"
MAC = f"ENC[AES256_GCM,data:eA==,iv:{'A' * 43}=,tag:{'A' * 22}==,type:str]"


def manifest(kind, fields, version="v1"):
    return f"apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: a\n  namespace: apps\n{fields}\n"


SECRET = manifest("Secret", f"stringData:\n  password: {VALUE}")
CONFIG_MAP = manifest("ConfigMap", "data:\n  a: b")
SEALED = manifest("SealedSecret", "spec:\n  encryptedData: {}", "bitnami.com/v1alpha1")

CONTENTS = {
    "yaml": [
        SECRET,
        CONFIG_MAP,
        SEALED,
        CONFIG_MAP + "---\n" + SECRET,
        CONFIG_MAP + f"---\npassword: {VALUE}\n",
        SEALED + f"---\nsettings: {{x: {VALUE}}}\n",
        manifest("Secret", "type: kubernetes.io/service-account-token"),
        manifest("Secret", "stringData:\n  password: op://vault/item/field"),
        manifest("Secret", "stringData:\n  password: ${PASSWORD}"),
        manifest("Secret", "data:\n  password: dGhyb3ctYXdheQ=="),
        manifest("Deployment", "spec:\n  replicas: 1", "apps/v1"),
        manifest("HelmRelease", "spec:\n  values: {replicas: 1}", "helm.toolkit.fluxcd.io/v2"),
        f"postgres:\n  password: {VALUE}\n",
        "replicas: 1\nimage: nginx\n",
        "apiVersion: v1\nkind: Config\nclusters: []\n",
        f"machine:\n  token: {VALUE}\n",
        "",
    ],
    "env": [f"API_KEY={VALUE}\n", "MODE=fast\n", "# nothing\n", ""],
    "txt": ["notes\n", VALUE + "\n"],
    "bin": [b"\0\1\2throw-away", b"\0\1"],
    "json": ['{"a": 1}\n', json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})],
    "md": ["# title\n"],
}
FOLDERS = [
    "",
    "apps/podinfo",
    "clusters/production",
    "config",
    "secrets",
    "infra/secrets/db",
    "talos",
    "docs",
]
NAMES = ["app", "db-secret", "values", "config", "prod", "new.enc", "token.sops", "README", "notes"]
PATTERNS = [
    *(".*", r"\.ya?ml$", "^clusters/", "^secrets/", "secrets/", r"\.env$", r".*secret.*", "talos/.*"),
    *(
        r"^config/.*\.(env|txt)$",
        r"(prod|app)\.(json|bin|txt)$",
        "^docs/",
        r"values\.yaml$",
        "^(infra|talos)/",
    ),
]


def files(seed):
    """A repository's files by path."""
    chance = random.Random(seed)
    made = {}
    for _ in range(40):
        ending = chance.choice([*CONTENTS, "yaml", "yaml", "env"])
        path = f"{chance.choice(FOLDERS)}/{chance.choice(NAMES)}.{ending}".lstrip("/")
        made[path] = chance.choice(CONTENTS[ending])
    patterns = chance.sample(PATTERNS, chance.randint(0, 5))
    made[".sops.yaml"] = (
        "creation_rules:\n"
        + "".join(f"  - path_regex: '{pattern}'\n    age: ALICE\n" for pattern in patterns)
        + "  - age: ALICE\n"
    )
    if chance.random() < 0.4:
        made["secrets/.sops.yaml"] = "creation_rules:\n  - path_regex: prod\n    age: ALICE\n"
    if chance.random() < 0.4:
        made[".fluxsecrets.yaml"] = "secrets: ['docs/*.txt', 'talos/**']\n"
    if chance.random() < 0.5:
        read = [path for path in made if path.startswith("config/") and made[path]][:3]
        made["config/kustomization.yaml"] = (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n- name: g\n"
            "  files: [" + ", ".join(path.removeprefix("config/") for path in read) + "]\n"
        )
    return made


def report(cli, *arguments):
    result = cli(*arguments, "--format", "json")
    assert result.exit_code in (0, 1, 2), result.stderr
    return json.loads(result.stdout), result.exit_code


@pytest.mark.parametrize("seed", range(12))
def test_all_agree(tmp_path, identity, monkeypatch, cli, git, seed):
    monkeypatch.chdir(tmp_path)
    for path, content in files(seed).items():
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            place.write_bytes(content)
        else:
            place.write_text(content.replace("ALICE", identity.recipient), encoding="utf-8")
    git(tmp_path, "init", "--quiet")

    status, _ = report(cli, "status")
    must = {item["path"] for item in status["files"] if item["state"] != "encrypted"}
    assert must, "nothing to agree about"

    checked, code = report(cli, "encrypt", "--check")
    assert {item["path"] for item in checked["files"] if item["outcome"] != "unchanged"} == must
    assert code != 0

    scanned, code = report(cli, "scan")
    found = {item["path"] for item in scanned["findings"]}
    whole = {item["path"] for item in scanned["findings"] if item["rule"].startswith("plain-secret")}
    unread = {error["path"] for error in scanned["errors"]}
    assert must - found - unread == set()
    assert whole - must == set()
    assert code != 0

    audited, code = report(cli, "audit", "--fail-on", "low")
    told = {"plain-secret", "plain-secret-file", "file-unreadable", "creation-rule-invalid"}
    in_audit = {item["path"] for item in audited["findings"] if item["rule"] in told}
    assert in_audit == must
    assert code != 0
