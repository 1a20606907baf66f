"""`publish` to a real OpenBao, by the drop-in and by real sops: KV must have the same content after both."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress

import pytest

ROOT = "throwaway-root-token"
FILES = {
    "a.yaml": (
        "# a comment\nuser: app\npassword: throwaway\nport: 5432\nratio: 1.0\nsmall: 0.25\n"
        "big: 9007199254740991\n"
        "huge: 1e+30\non: true\nnothing: null\nday: 2026-01-02\nempty: ''\nnested: {deep: {key: v}}\n"
        "list: [one, 2, 3.5, true]\nmulti: |\n  one\n  two\n"
    ),
    "a.json": '{"password": "throwaway", "n": {"b": 1.5, "c": 7}, "l": ["x", null]}',
    "a.env": "# note\nPASSWORD=throwaway\nB=2\n",
    "a.ini": "[s]\npassword = throwaway\nb = 2\n[t]\nc = x\n",
    "a.txt": "throwaway\nwithout any format\n",
    "two.yaml": "a: throwaway\n---\nb: other\n",
}


@pytest.fixture(scope="module")
def bao_address():
    """The address of an OpenBao in memory, with KV version 1 at `kv1`."""
    found = shutil.which("bao") or shutil.which("vault")
    if found is None:
        pytest.skip("neither bao nor vault is on PATH: the real KV is not tried")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = ("-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT}", f"-dev-listen-address={address}")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([found, "server", *options], env={"PATH": os.environ["PATH"]}, **quiet) as server:
        try:
            for _ in range(200):
                with suppress(urllib.error.URLError, ConnectionError):
                    ask(f"http://{address}", "GET", "sys/health")
                    break
                time.sleep(0.05)
            ask(f"http://{address}", "POST", "sys/mounts/kv1", {"type": "kv", "options": {"version": "1"}})
            yield f"http://{address}"
        finally:
            server.terminate()


@pytest.fixture
def bao(bao_address, environment, monkeypatch):
    monkeypatch.setenv("VAULT_ADDR", bao_address)
    monkeypatch.setenv("VAULT_TOKEN", ROOT)
    return bao_address


def ask(address, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{address}/v1/{path}",
        data,
        {"X-Vault-Token": ROOT, "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        content = answer.read()
    return json.loads(content) if content else {}


def stored(address, version, name):
    """The values under a name, which is deleted then, and the number of its version."""
    path = f"kv1/team/{name}" if version == 1 else f"secret/data/team/{name}"
    data = ask(address, "GET", path)["data"]
    ask(address, "DELETE", path if version == 1 else f"secret/metadata/team/{name}")
    return (data, 0) if version == 1 else (data["data"], data["metadata"]["version"])


def rules(folder, version):
    mount = "vault_kv_mount_name: kv1, vault_kv_version: 1" if version == 1 else "vault_kv_version: 2"
    folder.rules(
        f"creation_rules:\n  - age: {folder.recipient}\n"
        f"destination_rules:\n  - {{vault_path: team, {mount}}}\n"
    )


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", FILES)
def test_the_same_content_as_real_sops(folder, bao, sops, real_sops, version, name):
    rules(folder, version)
    folder.write(name, FILES[name])
    assert sops("encrypt", "-i", name).code == 0
    done = sops("publish", "-y", name)
    assert done.code == 0, done.err
    again = sops("publish", "-y", name)
    assert f"{name}: already the same at {bao}" in again.err
    ours, number = stored(bao, version, name)
    assert number in (0, 1)
    subprocess.run([real_sops, "publish", "-y", name], check=True, capture_output=True, timeout=60)
    theirs, _ = stored(bao, version, name)
    assert ours == theirs
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("version", [1, 2])
def test_what_real_sops_published_is_the_same(folder, bao, sops, real_sops, version):
    rules(folder, version)
    folder.write("a.yaml", FILES["a.yaml"])
    assert sops("encrypt", "-i", "a.yaml").code == 0
    subprocess.run([real_sops, "publish", "-y", "a.yaml"], check=True, capture_output=True, timeout=60)
    assert "a.yaml: already the same at" in sops("publish", "-y", "a.yaml").err
    stored(bao, version, "a.yaml")


def test_a_deleted_secret_gets_its_next_version(folder, bao, sops):
    rules(folder, 2)
    folder.write("a.yaml", "password: throwaway\n")
    assert sops("encrypt", "-i", "a.yaml").code == 0
    for _ in range(2):
        assert sops("publish", "-y", "a.yaml").code == 0
        ask(bao, "DELETE", "secret/data/team/a.yaml")
    assert sops("publish", "-y", "a.yaml").code == 0
    assert stored(bao, 2, "a.yaml") == ({"password": "throwaway"}, 3)


def test_a_token_without_permission(folder, bao, sops, monkeypatch):
    rules(folder, 2)
    folder.write("a.yaml", "password: throwaway\n")
    assert sops("encrypt", "-i", "a.yaml").code == 0
    token = ask(bao, "POST", "auth/token/create", {"policies": ["default"]})["auth"]["client_token"]
    monkeypatch.setenv("VAULT_TOKEN", token)
    done = sops("publish", "-y", "a.yaml")
    assert done.code == 1
    assert "denied the request" in done.err
    assert token not in done.err


def test_real_sops_and_ours_take_names_for_the_same(folder, bao, sops, real_sops):
    rules(folder, 2)
    for name in ("b c.yaml", "ü.yaml", "deep/a&b=c+d.yaml"):
        folder.write(name, "password: throwaway\n")
        assert sops("encrypt", "-i", name).code == 0
        assert sops("publish", "-y", name).code == 0
        subprocess.run([real_sops, "publish", "-y", name], check=True, capture_output=True, timeout=60)
    keys = ask(bao, "LIST", "secret/metadata/team")["data"]["keys"]
    assert sorted(keys) == ["a&b=c+d.yaml", "b c.yaml", "ü.yaml"]
