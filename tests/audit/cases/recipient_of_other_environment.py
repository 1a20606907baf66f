"""Staging's cluster reads a file that only production uses; one that both use is all right."""

from audit_tree import BOB, cluster, encrypted, kustomization, repository, secret

BOTH = ("alice", "bob", "cluster")

SILENT = repository(
    files={
        **cluster("production"),
        "keys/cluster-production.pub": f"{BOB}\n",
        "clusters/production/db.yaml": encrypted(secret(), "alice", "bob"),
        "clusters/production/shared.yaml": kustomization("shared", "shared"),
        "clusters/staging/shared.yaml": kustomization("shared", "shared"),
        "shared/secret.yaml": encrypted(secret("shared"), *BOTH),
    }
)
TRIGGERS = SILENT.changed({"clusters/production/db.yaml": encrypted(secret(), *BOTH)})
