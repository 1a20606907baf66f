"""Google's Secret Manager over REST, for `googleserver`: secrets, versions, checksums, and its errors."""

import re
from contextlib import contextmanager
from dataclasses import dataclass, field

import google_crc32c
from google.cloud.secretmanager_v1 import types

from googleserver import RefusedError, Route, google_servers

PROJECT = "throwaway-project"
_PARENT = r"/v1/(projects/[^/]+(?:/locations/[^/]+)?)"
_LONGEST = 65_536


@dataclass
class Secrets:
    """What the projects have.

    Attributes:
        versions: payload and state by the name of a secret, the newest last.
        before_write: is called before a version is added, as when someone else is faster.
    """

    versions: dict[str, list[tuple[bytes, str]]] = field(default_factory=dict)
    before_write: object = None

    def put(self, key, payload, state="ENABLED", parent=f"projects/{PROJECT}"):
        self.versions.setdefault(f"{parent}/secrets/{key}", []).append((payload, state))

    def newest(self, key, parent=f"projects/{PROJECT}"):
        return self.versions[f"{parent}/secrets/{key}"][-1][0]

    def access(self, google, match, _request):
        name, which = f"{match[1]}/secrets/{match[2]}", match[3]
        self._require(google, "secretmanager.versions.access", name)
        versions = self.versions.get(name)
        number = len(versions or ()) if which == "latest" else int(which)
        if not versions or not 1 <= number <= len(versions):
            raise RefusedError("NOT_FOUND", f"Secret Version [{name}/versions/{which}] not found.")
        payload, state = versions[number - 1]
        if state != "ENABLED":
            raise RefusedError("FAILED_PRECONDITION", f"Secret Version [{name}] is in {state} state.")
        data = types.SecretPayload(data=payload, data_crc32c=google_crc32c.value(payload))
        return types.AccessSecretVersionResponse(name=f"{name}/versions/{number}", payload=data)

    def create(self, google, match, request):
        parent, key = match[1], google.query.get("secretId", "")
        self._require(google, "secretmanager.secrets.create", parent)
        if not re.fullmatch("[A-Za-z0-9_-]{1,255}", key):
            raise RefusedError(
                "INVALID_ARGUMENT", "The provided secret ID does not match the expected format."
            )
        if ("/locations/" in parent) == ("replication" in request):
            raise RefusedError("INVALID_ARGUMENT", "The Secret's replication does not fit its location.")
        if f"{parent}/secrets/{key}" in self.versions:
            raise RefusedError("ALREADY_EXISTS", f"Secret [{parent}/secrets/{key}] already exists.")
        self.versions[f"{parent}/secrets/{key}"] = []
        return types.Secret(name=f"{parent}/secrets/{key}", etag="throwaway")

    def add(self, google, match, request):
        name = f"{match[1]}/secrets/{match[2]}"
        self._require(google, "secretmanager.versions.add", name)
        if name not in self.versions:
            raise RefusedError("NOT_FOUND", f"Secret [{name}] not found.")
        payload = request.payload
        if payload.data_crc32c != google_crc32c.value(payload.data):
            raise RefusedError("INVALID_ARGUMENT", "The payload's data_crc32c does not match its data.")
        if not 1 <= len(payload.data) <= _LONGEST:
            raise RefusedError("INVALID_ARGUMENT", "The payload is empty or too large.")
        if self.before_write is not None:
            self.before_write()
        self.versions[name].append((payload.data, "ENABLED"))
        return types.SecretVersion(name=f"{name}/versions/{len(self.versions[name])}", state="ENABLED")

    @staticmethod
    def _require(google, permission, name):
        if permission in google.denied:
            raise RefusedError("PERMISSION_DENIED", f"Permission '{permission}' denied on resource '{name}'.")


@contextmanager
def secret_manager(folder):
    """Run the server; yield its state, and what its projects have."""
    secrets = Secrets()
    routes = (
        Route("GET", f"{_PARENT}/secrets/([^/]+)/versions/([^/]+):access", None, secrets.access),
        Route("POST", f"{_PARENT}/secrets", types.Secret, secrets.create),
        Route("POST", f"{_PARENT}/secrets/([^/]+):addVersion", types.AddSecretVersionRequest, secrets.add),
    )
    with google_servers(folder, routes) as google:
        yield google, secrets
