"""Google Cloud KMS through both programs: they read what sops wrote, and write what sops writes and reads."""

import re
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("google.cloud.kms_v1")

from googleserver import KEY, OTHER_KEY, RefusedError, cause

VECTORS = Path(__file__).parents[2] / "vectors" / "sops-cloud" / "gcp"
CASES = ("flat", "several", "groups")
NAMES = ("a.yaml", "a.json", "a.env", "a.ini", "a.bin")
_VARIES = re.compile(
    r"ENC\[[^]]*\]|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|(?<=version)(\W+)[0-9.]+"
    r"|(?<=enc)(\W+)(?:[A-Za-z0-9+/=]{40,}|-----BEGIN.*?-----END [A-Z ]*-----)",
    re.DOTALL,
)


def plain(name):
    return (VECTORS / "plain" / name).read_bytes()


def shape(data):
    """A file without what differs from run to run: ciphertexts, times, wrapped keys, blanks around lines."""
    return [line.strip() for line in _VARIES.sub(r"\1…", data.decode()).splitlines()]


def decrypts(google):
    return [verb for verb, _ in google.asked].count("decrypt")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_what_sops_wrote_is_read(sops, cli, google, case, name):
    assert sops("decrypt", VECTORS / case / name).out == plain(name)
    assert cli("decrypt", VECTORS / case / name).stdout_bytes == plain(name)
    assert decrypts(google) == (4 if case == "groups" else 2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_fields_names_and_order_are_those_of_sops(sops, google, tmp_path, case, name):
    (tmp_path / name).write_bytes(plain(name))
    done = sops("--config", VECTORS / case / "rules.yaml", "encrypt", tmp_path / name)
    assert done.code == 0, done.err
    assert shape(done.out) == shape((VECTORS / case / name).read_bytes())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_real_sops_reads_what_we_write(real_sops, sops, cli, google, tmp_path, monkeypatch, case, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sops.yaml").write_bytes((VECTORS / case / "rules.yaml").read_bytes())
    for program in (sops, cli):
        (tmp_path / name).write_bytes(plain(name))
        program("encrypt", "-i", name)
        assert b"ENC[" in (tmp_path / name).read_bytes()
        done = subprocess.run([real_sops, "decrypt", name], capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, plain(name)), done.stderr.decode()


def test_real_sops_over_grpc(real_sops, sops, google, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in google.variables("grpc").items():
        monkeypatch.setenv(name, text)
    (tmp_path / "a.yaml").write_bytes(plain("a.yaml"))
    assert sops("encrypt", "-i", "--gcp-kms", KEY, "a.yaml").code == 0
    for words in (("decrypt",), ("rotate",)):
        done = subprocess.run([real_sops, *words, "a.yaml"], capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr.decode()
    (tmp_path / "b.yaml").write_bytes(done.stdout)
    assert sops("decrypt", "b.yaml").out == plain("a.yaml")


@pytest.mark.parametrize("case", CASES)
def test_rotating_and_setting_keep_the_keys(sops, google, tmp_path, case):
    path = tmp_path / "a.yaml"
    path.write_bytes((VECTORS / case / "a.yaml").read_bytes())
    before = shape(path.read_bytes())
    for words in (("rotate", "-i", path), ("set", path, '["motto"]', '"other"')):
        done = sops(*words)
        assert done.code == 0, done.err
        assert shape(path.read_bytes()) == before


def test_the_flags_and_the_variable(sops, google, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("a.yaml")
    path.write_bytes(plain("a.yaml"))
    monkeypatch.setenv("SOPS_GCP_KMS_IDS", f"{KEY}, {OTHER_KEY}")
    assert sops("encrypt", "-i", path).code == 0
    assert path.read_text(encoding="utf-8").count("resource_id: projects/") == 2
    assert sops("rotate", "-i", "--rm-gcp-kms", OTHER_KEY, path).code == 0
    assert path.read_text(encoding="utf-8").count("resource_id: projects/") == 1
    assert sops("rotate", "-i", "--add-gcp-kms", OTHER_KEY, path).code == 0
    assert path.read_text(encoding="utf-8").count("resource_id: projects/") == 2
    del google.keys[KEY]
    assert sops("decrypt", path).out == plain("a.yaml")  # the other one opens it


RULE = f"creation_rules:\n  - gcp_kms: {KEY}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s{}\nstringData:\n  password: throwaway-{}\n"


@pytest.fixture
def repository(google, cli, git, tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sops.yaml").write_text(RULE, encoding="utf-8")
    for number in range(3):
        (tmp_path / f"s{number}.yaml").write_text(SECRET.format(number, number), encoding="utf-8")
    git(tmp_path, "add", "--all")
    return tmp_path


def test_a_repository(repository, cli, google):
    done = cli("encrypt")
    assert (done.exit_code, done.stdout.count("gcp_kms throwaway-project/europe-west3/flux/sops")) == (0, 3)
    assert google.asked == [("encrypt", KEY)] * 3
    google.asked.clear()
    before = (repository / "s1.yaml").read_bytes()
    assert cli("rotate", "--all").exit_code == 0
    assert sorted(verb for verb, _ in google.asked) == ["decrypt"] * 3 + ["encrypt"] * 3
    assert (repository / "s1.yaml").read_bytes() != before
    assert cli("decrypt", "s1.yaml").stdout == SECRET.format(1, 1)


def test_a_copy_of_a_wrapped_key_costs_no_call(repository, cli, google):
    cli("encrypt", "s0.yaml")
    text = (repository / "s0.yaml").read_text(encoding="utf-8")
    for name in ("s1.yaml", "s2.yaml"):
        (repository / name).write_text(text, encoding="utf-8")
    google.asked.clear()
    assert cli("decrypt", "-i", "s0.yaml", "s1.yaml", "s2.yaml").exit_code == 0
    assert google.asked == [("decrypt", KEY)]


def test_a_key_that_is_refused_leaves_the_files(repository, cli, google):
    before = {path: path.read_bytes() for path in repository.glob("s?.yaml")}
    google.denied.add("cloudkms.cryptoKeyVersions.useToEncrypt")
    done = cli("encrypt")
    assert done.exit_code == 2
    assert "Google Cloud KMS denied the request (IAM_PERMISSION_DENIED)" in done.stderr
    assert "ask for the role roles/cloudkms.cryptoKeyEncrypter on the key" in done.stderr
    assert {path: path.read_bytes() for path in before} == before


def test_what_a_user_sees(repository, cli, google):
    assert cli("encrypt").exit_code == 0
    google.failures.append(
        RefusedError(
            "PERMISSION_DENIED",
            "Cloud KMS API has not been used in project 123 before or it is disabled.",
            cause("SERVICE_DISABLED", service="cloudkms.googleapis.com", consumer="projects/123"),
        )
    )
    done = cli("decrypt", "s0.yaml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Google Cloud KMS denied the request (SERVICE_DISABLED)" in done.stderr
    assert "run `gcloud services enable cloudkms.googleapis.com --project 123`" in done.stderr
    assert "looked in: GOOGLE_OAUTH_ACCESS_TOKEN" in done.stderr
