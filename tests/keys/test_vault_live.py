"""A real OpenBao or Vault on this machine, and real sops: the same files and errors, and KV version 2."""

import os
import shutil
import socket
import subprocess
import time
from types import SimpleNamespace

import pytest
from tests.cli.dropin.conftest import DropIn

from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.errors import IdentityError, IntegrityError, RecipientError, ServiceError, StoreError
from fluxsecrets.external.stores.vault import open_vault
from fluxsecrets.keys import make_providers
from fluxsecrets.keys.vault_transit import VaultTransit
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import hc_vault

pytest.importorskip("hvac")
SERVER = shutil.which("bao") or shutil.which("vault")
SOPS = shutil.which("sops")
pytestmark = pytest.mark.skipif(SERVER is None, reason="neither bao nor vault is on PATH: no live tests")
needs_sops = pytest.mark.skipif(SOPS is None, reason="sops is not on PATH: it is not compared with")
TOKEN = "throwaway-root-token"
SECRET = bytes(range(32))
PLAIN = "a:\n    b: throwaway\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server in memory with a transit engine, and what sends it requests."""
    import requests

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    home = tmp_path_factory.mktemp("server")
    process = subprocess.Popen(
        [
            SERVER,
            "server",
            "-dev",
            "-dev-no-store-token",
            f"-dev-root-token-id={TOKEN}",
            f"-dev-listen-address={place}",
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    session = requests.Session()
    session.trust_env = False

    def send(method, path, body=None, token=TOKEN):
        headers = {"X-Vault-Token": token}
        return session.request(method, f"http://{place}/v1/{path}", json=body, headers=headers, timeout=5)

    try:
        for _ in range(200):
            try:
                if send("GET", "sys/health").status_code == 200:
                    break
            except requests.ConnectionError:
                time.sleep(0.05)
        send("POST", "sys/mounts/transit", {"type": "transit"})
        send("POST", "sys/mounts/team/a/transit", {"type": "transit"})
        yield SimpleNamespace(address=f"http://{place}", send=send)
    finally:
        session.close()
        process.terminate()
        process.wait(10)


@pytest.fixture(autouse=True)
def _user(server, environment, monkeypatch):
    monkeypatch.setattr(VaultTransit, "limits", CallLimits(tries=2, first_wait=0.001, deadline=10.0))
    for name, text in {"NO_PROXY": "*", "VAULT_ADDR": server.address, "VAULT_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, text)


def uri(server, name, engine="transit"):
    return f"{server.address}/v1/{engine}/keys/{name}"


def provider(server, **environ):
    return make_providers({"VAULT_ADDR": server.address, "VAULT_TOKEN": TOKEN, **environ})["hc_vault"]


@pytest.mark.parametrize("type_", ["aes256-gcm96", "aes128-gcm96", "chacha20-poly1305", "rsa-2048"])
@pytest.mark.parametrize("engine", ["transit", "team/a/transit"])
def test_a_round_trip_with_every_type_that_encrypts(server, type_, engine):
    server.send("POST", f"{engine}/keys/{type_}", {"type": type_})
    key = hc_vault(uri(server, type_, engine))
    wrapped = provider(server).wrap(key, SECRET)
    assert provider(server).unwrap(wrapped) == SECRET
    damaged = WrappedKey(key, wrapped.enc[:-8] + "AAAAAAA=")
    with pytest.raises(IntegrityError, match="Vault can't decrypt this with the key"):
        provider(server).unwrap(damaged)


def test_versions(server):
    key = hc_vault(uri(server, "versions"))
    old = provider(server).wrap(key, SECRET)
    server.send("POST", "transit/keys/versions/rotate")
    new = provider(server).wrap(key, SECRET)
    assert provider(server).unwrap(old) == provider(server).unwrap(new) == SECRET
    server.send("POST", "transit/keys/versions/config", {"min_decryption_version": 2})
    assert provider(server).unwrap(new) == SECRET
    with pytest.raises(IdentityError, match="older than the key's min_decryption_version"):
        provider(server).unwrap(old)
    with pytest.raises(IntegrityError):
        provider(server).unwrap(WrappedKey(key, old.enc.replace("v1", "v9")))


def test_refusals(server):
    used = provider(server)
    with pytest.raises(IdentityError, match="Vault does not know the key"):
        used.unwrap(WrappedKey(hc_vault(uri(server, "missing")), "vault:v1:AAAA"))
    with pytest.raises(IdentityError, match="no such engine"):
        used.unwrap(WrappedKey(hc_vault(uri(server, "app", "nothing")), "vault:v1:AAAA"))
    with pytest.raises(IdentityError, match="no such engine"):
        used.unwrap(WrappedKey(hc_vault(uri(server, "app", "secret")), "vault:v1:AAAA"))
    with pytest.raises(RecipientError, match=r"denied|expired"):
        provider(server, VAULT_TOKEN="wrong").wrap(hc_vault(uri(server, "app")), SECRET)
    server.send("POST", "transit/keys/signer", {"type": "ed25519"})
    with pytest.raises(RecipientError, match="a key of this type can't encrypt"):
        used.wrap(hc_vault(uri(server, "signer")), SECRET)
    server.send("POST", "transit/keys/derived", {"derived": True})
    with pytest.raises(RecipientError, match="a derived key needs a context"):
        used.wrap(hc_vault(uri(server, "derived")), SECRET)


def test_the_policy_of_the_documentation_is_enough(server):
    policy = "".join(
        f'path "transit/{verb}/limited" {{ capabilities = ["update"] }}\n' for verb in ("encrypt", "decrypt")
    )
    server.send("POST", "sys/policies/acl/limited", {"policy": policy})
    server.send("POST", "transit/keys/limited")
    made = server.send("POST", "auth/token/create", {"policies": ["limited"], "no_default_policy": True})
    token = made.json()["auth"]["client_token"]
    used = provider(server, VAULT_TOKEN=token)
    assert used.unwrap(used.wrap(hc_vault(uri(server, "limited")), SECRET)) == SECRET
    with pytest.raises(RecipientError, match="Vault denied the request"):
        used.wrap(hc_vault(uri(server, "misspelt")), SECRET)


def test_a_quota_is_a_throttle(server):
    key = hc_vault(uri(server, "quota"))
    provider(server).wrap(key, SECRET)
    server.send("POST", "sys/quotas/rate-limit/t", {"rate": 1, "interval": "60s", "path": "transit/"})
    try:
        server.send("PUT", "transit/encrypt/quota", {"plaintext": ""})
        with pytest.raises(RecipientError, match="Vault is throttling requests"):
            provider(server).wrap(key, SECRET)
    finally:
        server.send("DELETE", "sys/quotas/rate-limit/t")


def test_namespaces(server):
    if server.send("POST", "sys/namespaces/ns1", {}).status_code != 200:
        pytest.skip("this server has no namespaces")
    server.send("POST", "ns1/sys/mounts/transit", {"type": "transit"})
    wrapped = provider(server).wrap(hc_vault(uri(server, "app", "ns1/transit")), SECRET)
    inside = WrappedKey(hc_vault(uri(server, "app")), wrapped.enc)
    assert provider(server, VAULT_NAMESPACE="ns1").unwrap(inside) == SECRET
    with pytest.raises(IdentityError, match="no such namespace"):
        provider(server, VAULT_NAMESPACE="ns2").unwrap(inside)


def sops(*arguments, cwd):
    done = subprocess.run([SOPS, *arguments], cwd=cwd, capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@needs_sops
def test_both_read_what_the_other_wrote(server, tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    keys = ",".join((uri(server, "app"), uri(server, "app", "team/a/transit")))
    (tmp_path / "plain.yaml").write_text(PLAIN)
    theirs = sops("encrypt", "--hc-vault-transit", keys, "plain.yaml", cwd=tmp_path)
    (tmp_path / "theirs.yaml").write_bytes(theirs)
    assert cli("decrypt", "theirs.yaml").stdout == PLAIN
    done = DropIn()("encrypt", "--hc-vault-transit", keys, "plain.yaml")
    (tmp_path / "ours.yaml").write_bytes(done.out)
    assert sops("decrypt", "ours.yaml", cwd=tmp_path).decode() == PLAIN
    assert [line.partition(b":")[0] for line in done.out.splitlines()] == [
        line.partition(b":")[0] for line in theirs.splitlines()
    ]
    assert cli("rotate", "--accept-recipients", "theirs.yaml").exit_code == 0
    assert sops("decrypt", "theirs.yaml", cwd=tmp_path).decode() == PLAIN
    sops("rotate", "-i", "ours.yaml", cwd=tmp_path)
    assert cli("decrypt", "ours.yaml").stdout == PLAIN


@needs_sops
def test_rules_with_key_groups_mean_the_same(server, tmp_path, monkeypatch, cli, identity):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sops.yaml").write_text(
        f"creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n"
        f"      - hc_vault: ['{uri(server, 'app')}']\n      - age: [{identity.recipient}]\n"
    )
    for name in ("ours.yaml", "theirs.yaml"):
        (tmp_path / name).write_text(PLAIN)
    assert cli("encrypt", "ours.yaml").exit_code == 0
    sops("encrypt", "-i", "theirs.yaml", cwd=tmp_path)
    assert sops("decrypt", "ours.yaml", cwd=tmp_path).decode() == PLAIN
    assert cli("decrypt", "theirs.yaml").stdout == PLAIN


def test_kv_version_2(server):
    server.send("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    server.send("POST", "sys/mounts/kv1", {"type": "kv", "options": {"version": "1"}})
    environ = {"VAULT_ADDR": server.address, "VAULT_TOKEN": TOKEN}
    store = open_vault(environ, "kv")
    for _ in range(100):  # a new mount is upgraded first
        if server.send("GET", "kv/config").status_code == 200:
            break
        time.sleep(0.05)
    store.check_mount()
    assert store.read("apps/db") is None
    store.write("apps/db", {"password": "throwaway"}, None)
    first = store.read("apps/db")
    assert first.version == 1
    store.write("apps/db", {"more": "throwaway-2"}, first)
    with pytest.raises(StoreError, match="was changed in the store meanwhile"):
        store.write("apps/db", {"password": "other"}, first)
    values = server.send("GET", "kv/data/apps/db").json()["data"]["data"]
    assert values == {"password": "throwaway", "more": "throwaway-2"}
    server.send("DELETE", "kv/data/apps/db")
    deleted = store.read("apps/db")
    assert deleted.version == 2
    store.write("apps/db", {"password": "new"}, deleted)
    with pytest.raises(StoreError, match="is KV version 1"):
        open_vault(environ, "kv1").check_mount()
    with pytest.raises(ServiceError, match=r"denied|expired"):
        open_vault({**environ, "VAULT_TOKEN": "wrong"}, "kv").read("apps/db")


def test_a_sealed_server_comes_last(server):
    key = hc_vault(uri(server, "sealed"))
    wrapped = provider(server).wrap(key, SECRET)
    server.send("PUT", "sys/seal")
    with pytest.raises(IdentityError, match="Vault is sealed"):
        provider(server).unwrap(wrapped)
    with pytest.raises(ServiceError, match="Vault is sealed"):
        open_vault({"VAULT_ADDR": server.address, "VAULT_TOKEN": TOKEN}, "kv").read("apps/db")
