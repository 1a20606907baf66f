"""Files that only the cluster opens: one finding for all of them."""

from audit_tree import encrypted, repository, secret

SILENT = repository()
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": encrypted(secret(), "cluster"),
        "clusters/staging/more.yaml": encrypted(secret("more"), "cluster"),
    }
)
