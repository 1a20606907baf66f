"""Secrets of Azure Key Vault, for `azureserver`: versions, attributes, and names of deleted secrets."""

import json
import re
from dataclasses import dataclass, field

from azureserver import VAULT, Answer, failure


@dataclass
class Secrets:
    """What the vaults have.

    Attributes:
        versions: by host and name, the newest last; each is what a request set.
        deleted: hosts and names whose secret was deleted and can be recovered.
        before_write: is called before a version is set, as when someone else is faster.
    """

    versions: dict = field(default_factory=dict)
    deleted: set = field(default_factory=set)
    before_write: object = None

    def put(self, name, value, host=VAULT, **more):
        self.versions.setdefault((host, name), []).append(
            {"value": value, "attributes": {"enabled": True}, **more}
        )

    def newest(self, name, host=VAULT):
        return self.versions[host, name][-1]

    def answer(self, azure, request, parts):
        """Answer a request under /secrets."""
        if not parts or not re.fullmatch("[0-9A-Za-z-]{1,127}", parts[0]) or len(parts) > 2:
            return failure(400, "BadParameter", "The request URI contains an invalid name.")
        name, version = parts[0], (*parts, "")[1]
        wanted = {"GET": "get", "PUT": "set"}.get(request.method)
        if wanted is None or (wanted == "set" and version):
            return failure(405, "MethodNotAllowed", "The method is not allowed here.")
        if (inner := azure.denied.get(wanted)) is not None:
            return failure(403, "Forbidden", f"Caller has no permission for {wanted}.", inner)
        if wanted == "set":
            return self._set(request, name)
        versions = self.versions.get((request.host, name), [])
        number = (
            int(version, 16) if re.fullmatch("[0-9a-f]{32}", version) else 0 if version else len(versions)
        )
        if not 1 <= number <= len(versions):
            return failure(404, "SecretNotFound", f"A secret with (name/id) {name} was not found.")
        return self._shown(request.host, name, number)

    def _set(self, request, name):
        if not request.headers.get("content-type", "").startswith("application/json"):
            return failure(415, "UnsupportedMediaType", "The media type is not supported.")
        try:
            body = json.loads(request.body)
            assert isinstance(body["value"], str)
            assert set(body) <= {"value", "contentType", "tags", "attributes"}
            assert set(body.get("attributes", {})) <= {"enabled", "exp", "nbf"}
        except (ValueError, KeyError, TypeError, AssertionError):
            return failure(400, "BadParameter", "The parameter is incorrect.")
        if len(body["value"].encode()) > 25_600:
            return failure(400, "BadParameter", "The parameter 'value' is too long.")
        if (request.host, name) in self.deleted:
            return failure(409, "Conflict", f"Secret {name} is deleted.", "ObjectIsDeletedButRecoverable")
        if self.before_write is not None:
            self.before_write()
        self.versions.setdefault((request.host, name), []).append({"attributes": {"enabled": True}, **body})
        return self._shown(request.host, name, len(self.versions[request.host, name]))

    def _shown(self, host, name, number):
        found = self.versions[host, name][number - 1]
        if not found["attributes"].get("enabled", True):
            message = "Operation get is not allowed on a disabled secret."
            return failure(403, "Forbidden", message, "SecretDisabled")
        attributes = {"created": 1700000000, "updated": 1700000000, **found["attributes"]}
        return Answer(
            200, {**found, "id": f"https://{host}/secrets/{name}/{number:032x}", "attributes": attributes}
        )
