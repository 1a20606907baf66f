"""Files whose data keys Azure Key Vault wraps, through both programs, compared with sops 3.13.2."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("azure.keyvault.keys")

from tests.cli.dropin.conftest import DropIn, real_sops  # noqa: F401 - a fixture

from azureserver import HSM, PRIVATE_VAULT, SECRET, VAULT, failure
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.keys.azure_kv import AzureKeyVault

VECTORS = Path(__file__).parents[1] / "vectors" / "sops-cloud" / "azure"
CASES = json.loads((VECTORS / "cases.json").read_text(encoding="utf-8"))
ENDINGS = ("yaml", "json", "env", "ini", "bin")
OLD, NEW = (f"{number:032x}" for number in (1, 2))


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    monkeypatch.setattr(AzureKeyVault, "limits", CallLimits(tries=2, first_wait=0.001))


@pytest.fixture
def vault(azure, folder, rsa_keys, monkeypatch):
    """A folder whose rule names a key without its version."""
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    azure.add_key(rsa_keys[0])
    folder.rules(f"creation_rules:\n  - azure_keyvault: {azure.url()}\n")
    return azure


def requests(azure):
    asked = [path.rpartition("/")[2] or "get" for _, path in azure.calls()]
    azure.asked.clear()
    return {verb: asked.count(verb) for verb in ("get", "encrypt", "decrypt") if verb in asked}


def version_in(text):
    return re.search(rb'version: "?([0-9a-f]{32})', text)[1].decode()


def test_encrypt_decrypt_and_set(vault, folder, cli):
    folder.write("db.yaml")
    assert cli("encrypt", "db.yaml").exit_code == 0
    text = folder.read("db.yaml")
    assert folder.marker.encode() not in text
    assert version_in(text) == OLD
    assert requests(vault) == {"get": 1, "encrypt": 1}
    assert folder.marker in cli("decrypt", "db.yaml").stdout
    assert requests(vault) == {"decrypt": 1}
    assert cli("set", "db.yaml", "stringData.more", "throwaway-more").exit_code == 0
    assert cli("get", "db.yaml", "stringData.more").stdout.strip() == "throwaway-more"
    assert cli("encrypt", "--check", "db.yaml").exit_code == 0


def test_rotate_goes_to_the_newest_version(vault, folder, cli, rsa_keys):
    folder.write("db.yaml")
    cli("encrypt", "db.yaml")
    vault.add_key(rsa_keys[1])
    requests(vault)
    assert cli("rotate", "db.yaml").exit_code == 0
    assert requests(vault) == {"get": 1, "encrypt": 1, "decrypt": 1}
    assert version_in(folder.read("db.yaml")) == NEW
    vault.keys[VAULT, "sops"][OLD].enabled = False
    assert folder.marker in cli("decrypt", "db.yaml").stdout


def test_rotate_keeps_to_a_version_that_the_rule_names(vault, folder, cli, rsa_keys):
    folder.write("db.yaml")
    cli("encrypt", "db.yaml")
    vault.add_key(rsa_keys[1])
    folder.rules(f"creation_rules:\n  - azure_keyvault: {vault.url(version=OLD)}\n")
    assert cli("rotate", "db.yaml").exit_code == 0
    assert version_in(folder.read("db.yaml")) == OLD


def test_the_newest_version_is_asked_for_once_for_many_files(vault, folder, cli):
    names = [f"{number}.yaml" for number in range(12)]
    for name in names:
        folder.write(name)
    assert cli("encrypt", *names).exit_code == 0
    assert requests(vault) == {"get": 1, "encrypt": 12}
    assert cli("rotate", *names).exit_code == 0
    assert requests(vault) == {"get": 1, "encrypt": 12, "decrypt": 12}


def test_it_stands_beside_an_age_key(vault, folder, cli, act_as, monkeypatch):
    alice = act_as("alice")
    folder.rules(f"creation_rules:\n  - azure_keyvault: {vault.url()}\n    age: {alice.recipient}\n")
    folder.write("db.yaml")
    assert cli("encrypt", "db.yaml").exit_code == 0
    requests(vault)
    assert folder.marker in cli("decrypt", "db.yaml").stdout
    assert requests(vault) == {}
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    assert folder.marker in cli("decrypt", "db.yaml").stdout
    assert requests(vault) == {"decrypt": 1}


def test_status_explain_and_recipients_send_nothing_but_a_decryption(vault, folder, cli, git):
    folder.write("db.yaml")
    cli("encrypt", "db.yaml")
    requests(vault)
    assert "you can open it" in cli("status", "db.yaml").stdout
    assert "azure_kv team/sops" in cli("explain", "db.yaml").stdout
    git(folder.path, "init", "--quiet")
    assert "azure_kv team/sops" in cli("recipients", "list").stdout
    assert set(requests(vault)) <= {"decrypt"}


def test_one_wait_for_many_files_of_a_vault_that_is_down(vault, folder, cli, monkeypatch):
    monkeypatch.setattr(AzureKeyVault, "limits", CallLimits(tries=2, first_wait=0.001, at_once=2))
    names = [f"{number}.yaml" for number in range(12)]
    for name in names:
        folder.write(name)
    assert cli("encrypt", *names).exit_code == 0
    requests(vault)
    vault.faults += [failure(503, "ServiceUnavailable", "")] * 1000
    result = cli("decrypt", "-i", *names)
    assert result.exit_code == 2
    assert result.stderr.count("Azure Key Vault is not available now (ServiceUnavailable)") == 1
    assert requests(vault)["decrypt"] < len(names)  # those that are under way when the first one fails


def test_refusals_name_the_file_and_what_to_do(vault, folder, cli, monkeypatch):
    folder.write("db.yaml")
    cli("encrypt", "db.yaml")
    vault.denied["decrypt"] = "ForbiddenByRbac"
    result = cli("decrypt", "db.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "db.yaml" in result.stderr
    assert "Azure Key Vault denied the request (Forbidden: ForbiddenByRbac)" in result.stderr
    assert "Key Vault Crypto User" in result.stderr
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "throwaway-wrong")
    result = cli("--debug", "decrypt", "db.yaml")
    assert "does not accept the credentials (AADSTS7000215)" in result.stderr
    assert not [each for each in (*vault.tokens, SECRET, "throwaway-wrong") if each in result.stderr]


def test_the_libraries_print_nothing(vault, folder, cli, monkeypatch):
    """azure-identity warns through `logging`, which prints to standard error if nobody listens."""
    folder.write("db.yaml")
    cli("encrypt", "db.yaml")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "throwaway-wrong")
    result = cli.process("decrypt", "db.yaml")
    assert result.exit_code == 2
    assert "get_token" not in result.stderr
    assert "AADSTS7000215" in result.stderr


def test_a_vault_that_only_the_file_names_gets_nothing(vault, folder, cli, rsa_keys):
    vault.add_key(rsa_keys[0], host=PRIVATE_VAULT)
    folder.rules(f"creation_rules:\n  - azure_keyvault: {vault.url(host=PRIVATE_VAULT)}\n")
    folder.write("db.yaml")
    assert cli("encrypt", "db.yaml").exit_code == 0
    assert folder.marker in cli("decrypt", "db.yaml").stdout
    folder.rules(f"creation_rules:\n  - azure_keyvault: {vault.url()}\n")
    vault.asked.clear()
    result = cli("decrypt", "db.yaml")
    assert (result.exit_code, vault.asked) == (2, [])
    assert "credentials are not sent there" in result.stderr


# --- what sops writes and reads ---------------------------------------------------------------------------


@pytest.fixture
def known(azure, rsa_keys, act_as):
    """The key that the vectors were made with, in both services; and alice's, for those with age."""
    act_as("alice")
    azure.add_key(rsa_keys[0])
    azure.add_key(rsa_keys[0], host=HSM)
    return azure


@pytest.mark.parametrize("case", CASES, ids=[each["name"] for each in CASES])
def test_what_sops_wrote_is_read_by_both_programs(known, cli, case):
    encrypted, plain = VECTORS / case["encrypted"], (VECTORS / case["plain"]).read_bytes()
    assert cli("decrypt", encrypted).stdout_bytes == plain
    assert DropIn()("--decrypt", encrypted).out == plain


@pytest.mark.parametrize("case", CASES, ids=[each["name"] for each in CASES])
def test_the_drop_in_writes_what_sops_writes(known, case, tmp_path, monkeypatch):
    """All but what is random or a time is the same, byte by byte."""
    monkeypatch.chdir(tmp_path)
    if case["rules"]:
        (tmp_path / ".sops.yaml").write_text(case["rules"], encoding="utf-8")
    source = tmp_path / f"plain{Path(case['plain']).suffix}"
    source.write_bytes((VECTORS / case["plain"]).read_bytes())
    done = DropIn()("--encrypt", *case["arguments"], source)
    assert done.code == 0, done.err
    assert settled(done.out) == settled((VECTORS / case["encrypted"]).read_bytes())


def settled(text):
    """A file without what is random, and without the times."""
    text = re.sub(rb"ENC\[[^\]]*\]", b"ENC", text)
    text = re.sub(rb"(?s)-----BEGIN AGE.*?-----END AGE ENCRYPTED FILE-----", b"AGE", text)
    text = re.sub(rb"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"TIME", text)
    return re.sub(rb"[A-Za-z0-9_-]{342}", b"ENC342", text)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("writer", ["sops", "fluxsecrets"])
def test_real_sops_and_ours_read_each_other(known, real_sops, tmp_path, monkeypatch, ending, writer):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    plain = {"json": '{\n\t"a": "throwaway"\n}\n', "ini": "[a]\nb = throwaway\n", "env": "A=throwaway\n"}
    source = tmp_path / f"plain.{ending}"
    source.write_text(plain.get(ending, "a: throwaway\n"), encoding="utf-8")
    encrypted = tmp_path / f"encrypted.{ending}"

    def run_sops(*words):
        done = subprocess.run(
            [real_sops, *words], cwd=tmp_path, env=os.environ, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_ours(*words):
        done = DropIn()(*words)
        assert done.code == 0, done.err
        return done.out

    first, second = (run_sops, run_ours) if writer == "sops" else (run_ours, run_sops)
    encrypted.write_bytes(first("--encrypt", "--azure-kv", known.url(), str(source)))
    assert second("--decrypt", str(encrypted)) == source.read_bytes()
