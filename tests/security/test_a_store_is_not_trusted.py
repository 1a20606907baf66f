"""A store or a destination that repeats what it was sent: neither a value nor a token is shown.

`publish` sends plain values to Vault, and `convert --push` to a store. A server in between, or a broken one,
answers with all of it in each text of its answer.
"""

import base64
import json

import pytest

from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.ops.publish.destinations import vault as publish_vault
from webserver import Answer, web_server

TOKEN = "throwaway-token-0123456789abcdefghijklmnopqrstuvwxyz"
VALUE = "hunter2-throwaway"
HIDDEN = (TOKEN, VALUE, base64.b64encode(VALUE.encode()).decode())
NAME = "db.yaml"
SECRET = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: db, namespace: app}}
stringData:
  password: {VALUE}
"""
MOUNT = {"data": {"type": "kv", "path": "secret/", "options": {"version": "2"}}}


class Server:
    """A Vault that is honest for some requests, then repeats what it knows in each text of an answer."""

    def __init__(self):
        self.honest = 0
        self.status = 400
        self.asked = []

    def __call__(self, request):
        self.asked.append(request)
        if len(self.asked) <= self.honest:
            return Answer(200, MOUNT) if "/mounts/" in request.path else Answer(404, {"errors": []})
        said = " ".join((*HIDDEN, request.body.decode(), json.dumps(request.headers)))
        data = {
            "type": said,
            "path": said,
            "options": {"version": said},
            "data": {"x": said},
            "metadata": said,
        }
        return Answer(self.status, {"errors": [said], "warnings": [said], "message": said, "data": data})


@pytest.fixture
def server(tmp_path, monkeypatch, identity, cli, git):
    """In a repository with an encrypted file that is published to it."""
    pytest.importorskip("hvac")
    monkeypatch.setattr(publish_vault, "LIMITS", CallLimits(tries=1))
    made = Server()
    with web_server(made) as address:
        for name, text in {"VAULT_ADDR": address, "VAULT_TOKEN": TOKEN, "NO_PROXY": "*"}.items():
            monkeypatch.setenv(name, text)
        root = tmp_path / "repository"
        root.mkdir()
        monkeypatch.chdir(root)
        git(root, "init", "--quiet")
        (root / ".sops.yaml").write_text(
            f"creation_rules:\n  - age: {identity.recipient}\n"
            f"destination_rules:\n  - vault_path: team\n    vault_address: {address}\n"
        )
        (root / NAME).write_text(SECRET)
        assert cli("encrypt", NAME).exit_code == 0
        made.root = root
        yield made


@pytest.mark.parametrize("status", [200, 307, 400])
@pytest.mark.parametrize("honest", [0, 1, 2])
@pytest.mark.parametrize(
    "command",
    [
        ("publish", NAME, "--yes"),
        ("--debug", "publish", NAME, "--yes"),
        ("publish", NAME, "--dry-run", "--format", "json"),
        (
            "convert",
            "--to",
            "external",
            "--push",
            "--store",
            "vault",
            "--provider",
            "vault",
            "--mount",
            "secret",
            NAME,
        ),
    ],
    ids=["publish", "debug", "dry-run", "push"],
)
def test_what_a_vault_repeats_is_not_shown(server, cli, command, honest, status):
    server.honest, server.status = honest, status
    before = (server.root / NAME).read_bytes()
    result = cli(*command)
    text = result.stdout + result.stderr
    for hidden in HIDDEN:
        assert hidden not in text
    assert server.asked, text
    assert (server.root / NAME).read_bytes() == before
    for path in server.root.rglob("*"):
        if path.is_file():
            assert not any(hidden.encode() in path.read_bytes() for hidden in HIDDEN), path
