"""A cluster in which everything is as a small repository says, as the API server would have it.

Tests break one thing in it. It is written as a dump, or served by `kubeserver`.
"""

import copy
import json
from base64 import b64encode
from pathlib import Path

from audit_tree import KEYS

NOW = "2026-11-25T10:00:00Z"
REVISION = "main@sha1:0123456789abcdef0123456789abcdef01234567"
PASSWORD = "hunter2-throwaway"
OWNER = "kustomize.toolkit.fluxcd.io"


def key_of(item):
    """Kind, namespace and name of an object."""
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def ready(status="True", reason="ReconciliationSucceeded", message="Applied revision", kind="Ready"):
    """A condition."""
    return {
        "type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": NOW,
    }  # fmt: skip


def live_kustomization(name="flux-system", path="./clusters/staging", decryption="sops-age", **spec):
    """A Kustomization that Flux reconciled."""
    made = {
        "interval": "10m", "path": path, "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": "flux-system"}, **spec,
    }  # fmt: skip
    if decryption:
        made["decryption"] = {"provider": "sops", "secretRef": {"name": decryption}}
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system", "generation": 3},
        "spec": made,
        "status": {
            "observedGeneration": 3,
            "conditions": [ready()],
            "lastAppliedRevision": REVISION,
            "lastAttemptedRevision": REVISION,
        },
    }


def live_source(url="ssh://git@git.waddle.example/platform/infra", **status):
    """The GitRepository of the repository."""
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "flux-system", "namespace": "flux-system", "generation": 1},
        "spec": {"interval": "1m", "url": url, "ref": {"branch": "main"}},
        "status": {
            "observedGeneration": 1,
            "artifact": {"revision": REVISION},
            "conditions": [ready(reason="Succeeded", message="stored artifact")],
            **status,
        },
    }


def live_controller(*args, version="1.9.0", name="kustomize-controller"):
    """The Deployment of a controller."""
    container = {"name": "manager", "image": f"ghcr.io/fluxcd/{name}:v{version}", "args": [*args]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name, "namespace": "flux-system", "generation": 1,
            "labels": {"app.kubernetes.io/part-of": "flux"},
        },
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
        "status": {"observedGeneration": 1, "readyReplicas": 1},
    }  # fmt: skip


def live_account(name="kustomize-controller", **annotations):
    """A ServiceAccount of Flux."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": "flux-system", "annotations": annotations},
    }


def live_secret(name="db", namespace="apps", *, values=None, owner="flux-system", **metadata):
    """A Secret with its values; `owner` is the Kustomization that applied it, or None."""
    labels = {f"{OWNER}/name": owner, f"{OWNER}/namespace": "flux-system"} if owner else {}
    values = {"password": PASSWORD} if values is None else values
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            "uid": f"{namespace}-{name}",
            **metadata,
        },
        "data": {
            key: b64encode(value if isinstance(value, bytes) else value.encode()).decode()
            for key, value in values.items()
        },
    }


def key_secret(*people, name="sops-age", data_key="age.agekey"):
    """The Secret with the identities of people of tests/vectors."""
    text = "".join((KEYS / f"{each}.agekey").read_text("utf-8") for each in people or ("cluster",))
    return live_secret(name, "flux-system", values={data_key: text}, owner=None)


def sound(*more):
    """What the cluster of `audit_tree.repository` has, and further objects; the last of one name counts."""
    found = [
        live_source(),
        live_kustomization(),
        live_controller(),
        live_account(),
        live_secret(),
        key_secret(),
        # Of another namespace, so that a dump is known to have those of all.
        live_secret("other", "kube-system", owner=None),
        *more,
    ]
    return [*{key_of(each): copy.deepcopy(each) for each in found}.values()]


def without(objects, kind, name):
    """The objects but one."""
    return [each for each in objects if (each["kind"], each["metadata"]["name"]) != (kind, name)]


def write_dump(folder: Path, objects) -> Path:
    """Write a dump as `kubectl get KIND -A -o json` makes it, a file per kind, in place of another one."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        path.unlink()
    kinds = {}
    for each in objects:
        kinds.setdefault(each["kind"], []).append(each)
    for kind, items in kinds.items():
        data = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items}
        (folder / f"{kind.lower()}.json").write_text(json.dumps(data), "utf-8")
    return folder
