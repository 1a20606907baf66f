"""Bob reads a file without standing in the rule; the cluster stands in the rule and cannot read one."""

from audit_tree import encrypted, repository, secret

SILENT = repository()
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": encrypted(secret(), "alice", "bob", "cluster"),
        "clusters/staging/more.yaml": encrypted(secret("more"), "alice"),
    }
)
