"""A server on this machine that speaks as much of Vault's HTTP API for KV version 2 as is needed.

Paths and answers follow Vault's API documentation: reading and writing versions, check-and-set, metadata,
deleted versions, tokens. Nothing is kept beyond the test.
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass, field

from webserver import Answer, web_server

TOKEN = "throwaway-token"


@dataclass
class Vault:
    """The server's state.

    Attributes:
        address: of the server.
        secrets: versions by mount and path; a deleted one is None.
        asked: method, path and token of each request.
        mounts: engine and options by mount; those that are not in it are KV version 2.
        sealed: it answers as a sealed Vault does.
        refused: paths that the token may not write.
    """

    address: str = ""
    secrets: dict[tuple[str, str], list[dict | None]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    before_write: object = None
    mounts: dict[str, dict] = field(default_factory=dict)
    sealed: bool = False
    refused: set[str] = field(default_factory=set)

    def newest(self, path, mount="kv"):
        return self.secrets[mount, path][-1]

    def put(self, path, data, mount="kv"):
        self.secrets.setdefault((mount, path), []).append(data)


KV1 = {"type": "kv", "options": {"version": "1"}}
KV2 = {"type": "kv", "options": {"version": "2"}}
_UI_MOUNTS = "/v1/sys/internal/ui/mounts/"


def _answer(vault, method, path, token, body):
    if vault.sealed:
        return 503, {"errors": ["Vault is sealed"]}
    if token != TOKEN:
        return 403, {"errors": ["permission denied"]}
    if path.startswith(_UI_MOUNTS):
        name = path.removeprefix(_UI_MOUNTS)
        mount = next((each for each in vault.mounts if f"{name}/".startswith(f"{each}/")), name)
        return 200, {"data": {"path": f"{mount}/", **vault.mounts.get(mount, KV2)}}
    parts = path.partition("?")[0].strip("/").split("/")
    if vault.mounts.get(parts[1]) == KV1:
        return _answer_of_version_1(vault, method, parts[1], "/".join(parts[2:]), body)
    if len(parts) < 4 or parts[0] != "v1" or parts[2] not in ("data", "metadata"):
        return 404, {"errors": ["no handler for route"]}
    mount, kind, name = parts[1], parts[2], "/".join(parts[3:])
    versions = vault.secrets.get((mount, name))
    if kind == "metadata":
        return (200, {"data": {"current_version": len(versions)}}) if versions else (404, {"errors": []})
    if method == "GET":
        if not versions:
            return 404, {"errors": []}
        number = int(
            dict(part.split("=") for part in path.partition("?")[2].split("&") if part).get("version", 0)
        )
        number = number or len(versions)
        data = versions[number - 1]
        metadata = {
            "version": number,
            "destroyed": False,
            "deletion_time": "" if data is not None else "2026",
        }
        return (200 if data is not None else 404), {"data": {"data": data, "metadata": metadata}}
    if name in vault.refused:
        return 403, {"errors": ["permission denied"]}
    if vault.before_write is not None:
        vault.before_write()
        versions = vault.secrets.get((mount, name))
    request = json.loads(body)
    wanted = request.get("options", {}).get("cas")
    if wanted is not None and wanted != len(versions or ()):
        return 400, {"errors": ["check-and-set parameter did not match the current version"]}
    vault.put(name, request["data"], mount)
    return 200, {"data": {"version": len(vault.secrets[mount, name])}}


def _answer_of_version_1(vault, method, mount, name, body):
    """Version 1 takes any path and any map, also those that are meant for version 2."""
    if method == "GET":
        known = vault.secrets.get((mount, name))
        return (200, {"data": known[-1]}) if known else (404, {"errors": []})
    vault.put(name, json.loads(body), mount)
    return 204, {}


@contextmanager
def vault_server():
    vault = Vault()

    def answer(request):
        token = request.headers.get("x-vault-token", "")
        vault.asked.append((request.method, request.path, token))
        return Answer(*_answer(vault, request.method, request.path, token, request.body))

    with web_server(answer) as vault.address:
        yield vault
