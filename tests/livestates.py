"""The example's staging cluster as the API server has it, and what may be broken in it.

`CASES` is data: each breaks one thing, and names the finding for it. The same cases are read from a dump and,
where kubectl is at hand, from a server.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.ops.checks.render import render
from fluxsecrets.ops.run.session import Session

KEYS = Path(__file__).parent / "vectors" / "keys"
GROUP = "kustomize.toolkit.fluxcd.io"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
THEN, LATER = "2026-11-20T10:00:00Z", "2026-11-24T17:03:00Z"
READ = ("Kustomization", "GitRepository", "Secret", "SealedSecret", "ExternalSecret")


def b64(text: str) -> str:
    """A value as `data` has it."""
    return b64encode(text.encode()).decode()


class Live:
    """The objects of a cluster by kind, namespace and name; a test changes them as it likes."""

    def __init__(self, objects) -> None:
        self.objects = {self._key(each): each for each in objects}

    @staticmethod
    def _key(data):
        return data["kind"], data["metadata"].get("namespace", ""), data["metadata"]["name"]

    def copy(self) -> "Live":
        """One that may be changed."""
        return Live(deepcopy(list(self.objects.values())))

    def secret(self, namespace: str, name: str):
        """A Secret."""
        return self.objects["Secret", namespace, name]

    def kustomization(self, name: str):
        """A Kustomization of flux-system."""
        return self.objects["Kustomization", "flux-system", name]

    def add(self, data):
        """Put an object in."""
        self.objects[self._key(data)] = data
        return data

    def remove(self, kind: str, namespace: str, name: str):
        """Take an object out."""
        return self.objects.pop((kind, namespace, name))

    def generated(self, namespace: str, start: str):
        """The Secret whose name is `start` and a hash."""
        found = [key for key in self.objects if key[:2] == ("Secret", namespace) and key[2].startswith(start)]
        assert len(found) == 1
        return self.objects[found[0]]

    def dump(self, folder: Path, kinds=None) -> Path:
        """Write them as one list, as `kubectl get -o json` does; or those of some kinds."""
        folder.mkdir(exist_ok=True)
        items = [each for each in self.objects.values() if kinds is None or each["kind"] in kinds]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
        (folder / "objects.json").write_text(text, encoding="utf-8")
        return folder


def sound_cluster(folder: Path, environ, environment: str, revision: str) -> Live:
    """The cluster of an environment that Flux has just applied as it is in a repository.

    Args:
        folder: of the repository.
        environ: whose keys open it.
        revision: the commit that is applied.
    """
    rendering = render(Session(environ, folder), environment, show_values=True)
    items = [json.loads(json.dumps(each.data)) for one in rendering.kustomizations for each in one.objects]
    live = Live(_as_stored(each, revision) for each in items if each["kind"] in READ)
    for each in [each for each in live.objects.values() if each["kind"] == "SealedSecret"]:
        live.add(_made_of(each, each["spec"]["encryptedData"], each["spec"]["template"].get("type")))
    for each in [each for each in live.objects.values() if each["kind"] == "ExternalSecret"]:
        live.add(_made_of(each, [entry["secretKey"] for entry in each["spec"]["data"]], None))
    live.add(_as_stored(_other_sealed_secret(), revision))  # so that a dump is known to have the kind
    live.add(_decryption_secret())
    live.add(_controller())
    return live


def _as_stored(data, revision):
    """An object as it is applied, with what the API server and its controller add."""
    data["metadata"] |= {
        "uid": "5f1c0c1e-0000-4000-8000-000000000000",
        "resourceVersion": "1001",
        "creationTimestamp": THEN,
    }
    if data["kind"] == "Secret":
        data.setdefault("type", "Opaque")
        fields = {f"f:{key}": {} for key in data.get("data", {})}
        data["metadata"]["managedFields"] = [_managed("kustomize-controller", "Apply", THEN, fields)]
        return data
    data["metadata"]["generation"] = 1
    data["status"] = {"observedGeneration": 1, **_STATUS[data["kind"]](revision)}
    return data


def _managed(manager, operation, time, fields):
    return {
        "manager": manager, "operation": operation, "apiVersion": "v1", "time": time,
        "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {".": {}, **fields}, "f:type": {}},
    }  # fmt: skip


def _condition(kind, status="True", reason="Succeeded", message=""):
    return {
        "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": THEN,
        "observedGeneration": 1,
    }  # fmt: skip


_STATUS = {
    "Kustomization": lambda revision: {
        "conditions": [_condition("Ready", reason="ReconciliationSucceeded")],
        "lastAppliedRevision": f"main@sha1:{revision}",
        "lastAttemptedRevision": f"main@sha1:{revision}",
    },
    "GitRepository": lambda revision: {
        "conditions": [_condition("Ready"), _condition("ArtifactInStorage")],
        "artifact": {"revision": f"main@sha1:{revision}"},
    },
    "SealedSecret": lambda _: {"conditions": [_condition("Synced", reason="")]},
    "ExternalSecret": lambda _: {
        "conditions": [_condition("Ready", reason="SecretSynced", message="secret synced")],
        "refreshTime": LATER,
    },
}


def _made_of(owner, keys, kind):
    """The Secret that a controller made of an object."""
    meta = owner["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "creationTimestamp": THEN,
            "ownerReferences": [
                {
                    "apiVersion": owner["apiVersion"],
                    "kind": owner["kind"],
                    "name": meta["name"],
                    "uid": meta["uid"],
                    "controller": True,
                }
            ],
        },
        "type": kind or "Opaque",
        "data": {key: b64(f"throwaway-{key}") for key in keys},
    }


def _other_sealed_secret():
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": "another", "namespace": "elsewhere"},
        "spec": {"encryptedData": {}},
    }


def _decryption_secret():
    key = (KEYS / "cluster.agekey").read_text(encoding="utf-8")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "sops-age", "namespace": "flux-system", "creationTimestamp": THEN},
        "type": "Opaque",
        "data": {"cluster-staging.agekey": b64(key)},
    }


def _controller():
    container = {
        "name": "manager",
        "image": "ghcr.io/fluxcd/kustomize-controller:v1.9.0",
        "args": ["--watch-all-namespaces=true", "--log-level=info"],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "kustomize-controller",
            "namespace": "flux-system",
            "labels": {"app.kubernetes.io/part-of": "flux", "app.kubernetes.io/version": "v2.9.0"},
        },
        "spec": {"template": {"spec": {"containers": [container]}}},
        "status": {"readyReplicas": 1},
    }


# What may be broken.


@dataclass(frozen=True)
class Case:
    """One thing that is wrong with a cluster.

    Attributes:
        name: what it is.
        do: changes the sound cluster.
        check: of the finding.
        object: that it is about.
        says: a part of its message.
        wrong: it is; otherwise it can't be told, or is only noted.
    """

    name: str
    do: Callable[[Live], object]
    check: str
    object: str
    says: str = ""
    wrong: bool = True

    def __str__(self) -> str:
        """For the ids of tests."""
        return self.name.replace(" ", "-")


GRAFANA = ("observability", "grafana-admin")
STRANGER = "stranger-throwaway-7c1f"
"""A value that is in the cluster only."""


def edited(live: Live, name=GRAFANA, manager="kubectl-edit", key="admin-password", value=STRANGER):
    """Change a value by hand."""
    secret = live.secret(*name)
    secret["data"][key] = b64(value)
    managers = secret["metadata"]["managedFields"]
    for each in managers:
        each["fieldsV1"]["f:data"].pop(f"f:{key}", None)
    managers.append(_managed(manager, "Update", LATER, {f"f:{key}": {}}))
    return secret


def annotated(data, key, value):
    """Give an object an annotation."""
    data["metadata"].setdefault("annotations", {})[key] = value
    return data


def _condition_of(data, **fields):
    data["status"]["conditions"][0] |= fields
    return data


def _sealed(live):
    return live.objects["SealedSecret", "observability", "grafana-oauth"]


def _renamed(live):
    """The Secret of an older version of a generated one, as it stays where nothing prunes it."""
    old = deepcopy(live.generated("spicedb", "spicedb-env"))
    old["metadata"]["name"] = "spicedb-env-2g5hkm9bc7"
    return live.add(old)


def _orphan(live, owner="retired"):
    old = deepcopy(live.secret(*GRAFANA))
    old["metadata"]["name"] = "grafana-old"
    old["metadata"]["labels"][f"{GROUP}/name"] = owner
    return live.add(old)


def _suspended(live):
    edited(live)
    live.kustomization("observability")["spec"]["suspend"] = True


def _retyped(live):
    live.secret(*GRAFANA)["type"] = "waddle.example/login"  # an API server takes any keys with it


def _copied(live):
    text = json.dumps({"kind": "Secret", "stringData": {"admin-password": STRANGER}})
    annotated(live.secret(*GRAFANA), LAST_APPLIED, text)


def _encrypted(live):
    value = "ENC[AES256_GCM,data:cGxhaW4=,iv:AAAAAAAAAAAAAAAA,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]"
    live.secret(*GRAFANA)["data"]["admin-password"] = b64(value)


def _behind(live):
    edited(live, manager="kustomize-controller")
    live.kustomization("observability")["status"]["lastAppliedRevision"] = f"main@sha1:{'0' * 40}"


_SECRET, _SEALED = "Secret observability/grafana-admin", "SealedSecret observability/grafana-oauth"

CASES = (
    Case(
        "missing Secret", lambda live: live.remove("Secret", *GRAFANA), "secrets", _SECRET, "does not have it"
    ),
    Case(
        "value changed by hand",
        edited,
        "secrets",
        _SECRET,
        "'admin-password' differs; changed by kubectl-edit",
    ),
    Case(
        "key taken out",
        lambda live: live.secret(*GRAFANA)["data"].pop("admin-password"),
        "secrets",
        _SECRET,
        "the cluster lacks 'admin-password'",
    ),
    Case(
        "key put in",
        lambda live: edited(live, key="more"),
        "secrets",
        _SECRET,
        "only the cluster has 'more'; changed by kubectl-edit",
    ),
    Case("another type", _retyped, "secrets", _SECRET, "its type is 'waddle.example/login' in the cluster"),
    Case(
        "immutable",
        lambda live: edited(live).update(immutable=True),
        "secrets",
        _SECRET,
        "'admin-password' differs",
    ),
    Case(
        "commit from elsewhere",
        _behind,
        "secrets",
        _SECRET,
        "has applied commit 0000000000, which is not part of this branch",
        wrong=False,
    ),
    Case("suspended", _suspended, "secrets", _SECRET, "is suspended", wrong=False),
    Case(
        "reconcile disabled",
        lambda live: annotated(edited(live), f"{GROUP}/reconcile", "disabled"),
        "secrets",
        _SECRET,
        "`reconcile: disabled` in the cluster only",
    ),
    Case(
        "generated Secret missing",
        lambda live: live.remove(
            "Secret", "spicedb", live.generated("spicedb", "spicedb-env")["metadata"]["name"]
        ),
        "secrets",
        "Secret spicedb/spicedb-env-",
        "does not have it",
    ),
    Case(
        "older generated Secret",
        _renamed,
        "leftover-secrets",
        "Secret spicedb/spicedb-env-2g5hkm9bc7",
        "older",
    ),
    Case("owner is gone", _orphan, "leftover-secrets", "Secret observability/grafana-old", "is gone"),
    Case(
        "not pruned",
        lambda live: _orphan(live, "observability"),
        "leftover-secrets",
        "Secret observability/grafana-old",
        "does not have it any more",
    ),
    Case(
        "kept on purpose",
        lambda live: annotated(_orphan(live, "observability"), f"{GROUP}/prune", "Disabled"),
        "leftover-secrets",
        "Secret observability/grafana-old",
        "Flux keeps it",
        wrong=False,
    ),
    Case("ciphertext applied", _encrypted, "values", _SECRET, "'admin-password' holds a ciphertext"),
    Case("copy in an annotation", _copied, "values", _SECRET, LAST_APPLIED),
    Case(
        "SealedSecret missing",
        lambda live: live.remove("SealedSecret", "observability", "grafana-oauth"),
        "sealed-secrets",
        _SEALED,
        "does not have it",
    ),
    Case(
        "no key unseals",
        lambda live: _condition_of(
            _sealed(live),
            status="False",
            message="no key could decrypt secret (GF_AUTH_GENERIC_OAUTH_CLIENT_ID)",
        ),
        "sealed-secrets",
        _SEALED,
        "no key that opens it",
    ),
    Case(
        "SealedSecret edited",
        lambda live: _sealed(live)["spec"]["encryptedData"].update(GF_AUTH_GENERIC_OAUTH_CLIENT_ID="AgBy"),
        "sealed-secrets",
        _SEALED,
        "spec.encryptedData differs",
    ),
    Case(
        "SealedSecret not observed",
        lambda live: _sealed(live)["metadata"].update(generation=2),
        "sealed-secrets",
        _SEALED,
        "newest version",
        wrong=False,
    ),
    Case(
        "Secret not of the SealedSecret",
        lambda live: live.secret("observability", "grafana-oauth")["metadata"].pop("ownerReferences"),
        "sealed-secrets",
        _SEALED,
        "belongs to nobody",
    ),
    Case(
        "unsealed Secret lacks a key",
        lambda live: live.secret("observability", "grafana-oauth")["data"].pop(
            "GF_AUTH_GENERIC_OAUTH_CLIENT_ID"
        ),
        "sealed-secrets",
        _SEALED,
        "lacks 'GF_AUTH_GENERIC_OAUTH_CLIENT_ID'",
    ),
    Case(
        "unsealed Secret missing",
        lambda live: live.remove("Secret", "observability", "grafana-oauth"),
        "sealed-secrets",
        _SEALED,
        "is not in the cluster",
    ),
)
