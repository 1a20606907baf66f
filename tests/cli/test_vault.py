"""Files whose data keys Vault's transit engine wraps, through both programs, compared with sops 3.13.2."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.dropin.conftest import DropIn

from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.keys.generate import generate_identity
from fluxsecrets.keys.vault_transit import VaultTransit
from fluxsecrets.sops.naming import short_recipient
from fluxsecrets.sops.recipients import KINDS, read_recipient, split_list
from tables import each_row
from transitserver import TOKEN, Key

VECTORS = Path(__file__).parents[1] / "vectors" / "sops-cloud" / "vault"
URI = "https://vault.example.com:8200/v1/transit/keys/app"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENDINGS = ("yaml", "json", "env", "ini", "bin")


@pytest.fixture(autouse=True)
def _user(transit, environment, monkeypatch):
    monkeypatch.setattr(VaultTransit, "limits", CallLimits(tries=2, first_wait=0.001, deadline=5.0))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)


@pytest.fixture
def vault(transit, folder):
    """A folder whose rule names a key of the server."""
    folder.rules(f"creation_rules:\n  - hc_vault_transit_uri: {transit.uri()}\n")
    return transit


@pytest.fixture
def agent(transit, monkeypatch):
    """The server as an agent for the Vault of the vectors, with its key."""
    monkeypatch.setenv("VAULT_AGENT_ADDR", transit.address)
    versions = [bytes.fromhex(text) for text in json.loads((VECTORS / "keys.json").read_text())["versions"]]
    transit.engines.add(("", "team/a/transit"))
    for engine, name in (("transit", "app"), ("transit", "second"), ("team/a/transit", "app.b_c-d")):
        transit.keys["", engine, name] = Key(versions)
    return transit


def requests(vault):
    asked = [path.split("/")[-2] for _, path, _, _ in vault.asked]
    vault.asked.clear()
    return {verb: asked.count(verb) for verb in ("encrypt", "decrypt") if verb in asked}


def test_encrypt_decrypt_and_set(vault, folder, cli):
    folder.write("db.yaml")
    assert cli("encrypt", "db.yaml").exit_code == 0
    text = folder.read("db.yaml")
    assert b"  hc_vault:\n" in text
    assert folder.marker.encode() not in text
    assert requests(vault) == {"encrypt": 1}
    assert folder.marker in cli("decrypt", "db.yaml").stdout
    assert cli("set", "db.yaml", "stringData.more", "throwaway-more").exit_code == 0
    assert folder.read("db.yaml") != text
    assert cli("get", "db.yaml", "stringData.more").stdout.strip() == "throwaway-more"
    assert cli("encrypt", "--check", "db.yaml").exit_code == 0


def test_rotate_gives_a_new_data_key_and_the_newest_version(vault, folder, cli):
    folder.write("db.yaml")
    cli("encrypt", "db.yaml")
    before = folder.read("db.yaml")
    vault.key().versions.append(b"n" * 32)
    assert cli("rotate", "db.yaml").exit_code == 0
    after = folder.read("db.yaml")
    assert (b"enc: vault:v1:" in before, b"enc: vault:v2:" in after) == (True, True)
    vault.key().oldest = 2
    assert folder.marker in cli("decrypt", "db.yaml").stdout


def test_a_vault_key_stands_beside_an_age_key(vault, folder, cli, identity, monkeypatch):
    folder.rules(f"creation_rules:\n  - hc_vault_transit_uri: {vault.uri()}\n    age: {identity.recipient}\n")
    folder.write("db.yaml")
    assert cli("encrypt", "db.yaml").exit_code == 0
    requests(vault)
    assert folder.marker in cli("decrypt", "db.yaml").stdout
    assert requests(vault) == {}
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    assert folder.marker in cli("decrypt", "db.yaml").stdout
    assert requests(vault) == {"decrypt": 1}


def test_key_groups_take_a_share_of_each(vault, folder, cli, identity):
    folder.rules(
        f"creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n"
        f"      - hc_vault: [{vault.uri()}]\n      - age: [{identity.recipient}]\n"
    )
    folder.write("db.yaml")
    assert cli("encrypt", "db.yaml").exit_code == 0
    assert folder.marker in cli("decrypt", "db.yaml").stdout
    vault.keys.clear()
    result = cli("decrypt", "db.yaml")
    assert (result.exit_code, "opened" in result.stderr) == (2, True)


def test_status_explain_and_recipients_know_it(vault, folder, cli, git):
    folder.write("db.yaml")
    cli("encrypt", "db.yaml")
    requests(vault)
    status = cli("status", "db.yaml").stdout
    assert "you can open it" in status
    assert "hc_vault" in cli("explain", "db.yaml").stdout
    git(folder.path, "init", "--quiet")
    assert "hc_vault" in cli("recipients", "list").stdout
    assert requests(vault).get("encrypt") is None


@pytest.mark.parametrize(("count", "most"), [(1, 2), (40, 2 * VaultTransit.limits.at_once)])
def test_one_wait_for_many_files_of_a_server_that_is_down(vault, folder, cli, count, most):
    names = [f"{number}.yaml" for number in range(count)]
    for name in names:
        folder.write(name)
    assert cli("encrypt", *names).exit_code == 0
    requests(vault)
    vault.always = (500, {}, {"errors": ["internal error"]})
    result = cli("decrypt", "-i", *names)
    assert result.exit_code == 2
    assert result.stderr.count("Vault is not available now (HTTP 500)") == 1
    assert requests(vault)["decrypt"] <= most  # those that are under way when the first one fails


def test_refusals_name_the_file_and_what_to_do(vault, folder, cli):
    folder.write("db.yaml")
    cli("encrypt", "db.yaml")
    for change, words, hint in (
        ({"tokens": {}}, "Vault denied the request", "log in again"),
        ({"always": (503, {}, {"errors": ["Vault is sealed"]})}, "Vault is sealed", "unseal"),
        ({"keys": {}}, "Vault does not know the key", "check the key's name"),
    ):
        kept = {name: getattr(vault, name) for name in change}
        vault.__dict__.update(change)
        result = cli("decrypt", "db.yaml")
        vault.__dict__.update(kept)
        assert result.exit_code == 2
        for text in ("db.yaml", words, hint):
            assert text in result.stderr
        assert TOKEN not in result.stderr + cli("--debug", "decrypt", "db.yaml").stderr


def test_without_the_right_to_encrypt_the_file_stays_plain(vault, folder, cli):
    path = folder.write("db.yaml")
    before = path.read_bytes()
    vault.tokens[TOKEN] = {"decrypt"}
    result = cli("encrypt", "db.yaml")
    assert (result.exit_code, path.read_bytes()) == (2, before)
    assert ".sops.yaml:2" in result.stderr
    assert "Vault denied the request" in result.stderr


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_sops_encrypted_is_read(agent, cli, ending):
    arguments = ("--input-type", "binary", "--output-type", "binary") if ending == "bin" else ()
    plain = (VECTORS / f"plain.{ending}").read_bytes()
    name = VECTORS / f"encrypted.{ending}"
    assert DropIn()("decrypt", *arguments, name).out.strip() == plain.strip()
    assert cli("decrypt", *arguments[:2], name).stdout_bytes.strip() == plain.strip()


@pytest.mark.parametrize("name", ["two-keys.yaml", "groups.yaml"])
def test_several_keys_that_sops_encrypted_for_are_read(agent, cli, name):
    assert cli("decrypt", VECTORS / name).stdout_bytes == (VECTORS / "plain.yaml").read_bytes()


def without_values(text):
    """A file without what differs every time: ciphertexts, wrapped keys and times."""
    text = re.sub(rb"data:[^,]*,iv:[^,]*,tag:[^,]*,", b"", text)
    text = re.sub(rb"vault:v[0-9]+:[A-Za-z0-9+/=]+", b"vault", text)
    return re.sub(rb"20..-..-..T..:..:..Z", b"time", text)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_what_sops_writes(agent, tmp_path, monkeypatch, ending):
    monkeypatch.chdir(tmp_path)
    arguments = ("--input-type", "binary", "--output-type", "binary") if ending == "bin" else ()
    done = DropIn()("encrypt", "--hc-vault-transit", URI, *arguments, VECTORS / f"plain.{ending}")
    assert done.code == 0, done.err
    expected = (VECTORS / f"encrypted.{ending}").read_bytes()
    assert without_values(done.out) == without_values(expected)


def test_key_groups_are_written_as_sops_writes_them(agent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = DropIn()("--config", VECTORS / "rules.yaml", "encrypt", VECTORS / "plain.yaml")
    assert done.code == 0, done.err
    assert without_values(done.out) == without_values((VECTORS / "groups.yaml").read_bytes())


def test_the_drop_in_takes_sopss_variable(agent, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOPS_VAULT_URIS", f"{URI},{URI.replace('app', 'second')}")
    done = DropIn()("encrypt", VECTORS / "plain.yaml")
    assert done.code == 0, done.err
    assert done.out.count(b"vault_address: https://vault.example.com:8200\n") == 2


@each_row("each", json.loads((VECTORS / "uris.json").read_text()), ids=lambda each: ascii(each["uri"])[:60])
def test_addresses_are_taken_apart_as_sops_does_or_refused(each):
    if re.search(r"(^|,)\s|\s($|,)", each["uri"]):
        return  # blanks around an address are left out here; sops refuses them
    try:
        ours = [dict(KINDS["hc_vault"].parse(text).attributes) for text in split_list(each["uri"])]
    except FluxsecretsError:
        return
    assert ours == each["keys"]


def test_most_addresses_that_sops_takes_are_taken():
    taken = [each["uri"] for each in json.loads((VECTORS / "uris.json").read_text()) if each["keys"]]
    odd = re.compile(r"[?#%@ ]|/\.{1,2}(/|$)|(?<!:)//|\./|:(0|99999)/|[^\x21-\x7e]|[\\\"|{}^<>`\[\]]")
    usual = [uri for uri in taken if re.match("https?://", uri, re.IGNORECASE) and not odd.search(uri)]
    keys = [KINDS["hc_vault"].parse(text) for uri in usual for text in split_list(uri)]
    assert len(keys) >= len(usual) > len(taken) / 3


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        ("Vault can't be reached", None),
        ("Vault is not available now", (503, {}, {"errors": ["busy"]})),
        ("Vault is sealed", (503, {}, {"errors": ["Vault is sealed"]})),
    ],
)
def test_a_server_that_gives_no_answer_does_not_say_no(vault, folder, cli, monkeypatch, reason, answer):
    folder.write("db.yaml")
    assert cli("encrypt", "db.yaml").exit_code == 0
    if answer is None:
        monkeypatch.setattr("urllib3.connection.HTTPConnection.connect", _refuse)
    vault.always = answer
    opened = cli("decrypt", "db.yaml")
    assert opened.exit_code == 2
    assert "can't tell whether you can open this file: a key service gave no answer" in opened.stderr
    assert reason in opened.stderr
    assert "none of your identities" not in opened.stderr
    assert "ask an owner" not in opened.stderr
    status = cli("status", "db.yaml")
    assert "cannot tell" in status.stdout
    assert "you cannot open it" not in status.stdout
    assert f"cannot tell whether you can open 1 file: {reason}" in status.stderr
    audit = cli("audit", "--rule", "value-weak")
    assert "1 encrypted file were not looked at: a key service gave no answer" in audit.stdout + audit.stderr


def _refuse(*_):
    raise ConnectionRefusedError


def test_a_server_that_refuses_says_no(vault, folder, cli):
    folder.write("db.yaml")
    cli("encrypt", "db.yaml")
    vault.tokens.clear()
    assert "none of your identities can open this file" in cli("decrypt", "db.yaml").stderr
    assert "you cannot open it" in cli("status", "db.yaml").stdout


@pytest.mark.parametrize("with_bob", [False, True])
def test_a_key_that_gave_no_answer_is_nobody_to_ask(vault, folder, cli, git, identity, monkeypatch, with_bob):
    git(folder.path, "init", "--quiet")
    bob, new = (generate_identity(NOW).recipient for _ in range(2))
    folder.rules(
        f"creation_rules:\n  - hc_vault_transit_uri: {vault.uri()}\n" + f"    age: {bob}\n" * with_bob
    )
    folder.write("db.yaml")
    assert cli("encrypt", "db.yaml", "--for-others").exit_code == 0
    before = folder.read("db.yaml"), folder.read(".sops.yaml")
    with monkeypatch.context() as patch:
        patch.setattr("urllib3.connection.HTTPConnection.connect", _refuse)
        failed = cli("recipients", "add", new, "--all")
    assert failed.exit_code == 2
    again = f"recipients add {new} --all"
    own = f"you may be able to open it: follow the hints above, then run `fluxsecrets {again}`"
    other = f"{short_recipient(read_recipient(bob))} can open it, and can run `fluxsecrets {again}`"
    lines = failed.stderr.splitlines()
    assert own in lines
    assert [line for line in lines if "can open it" in line] == [other] * with_bob
    assert "nobody else can" not in failed.stderr
    assert (folder.read("db.yaml"), folder.read(".sops.yaml")) == before
    assert cli(*again.split()).exit_code == 0, "the command works once the service answers"
    vault.tokens.clear()
    refused = cli("recipients", "add", generate_identity(NOW).recipient, "--all").stderr
    assert "you may be able to" not in refused
    assert " can open it, and can run " in refused
