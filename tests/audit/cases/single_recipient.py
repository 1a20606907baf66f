"""A file that only the cluster opens."""

from audit_tree import encrypted, repository, secret

SILENT = repository()
TRIGGERS = SILENT.changed({"clusters/staging/db.yaml": encrypted(secret(), "cluster")})
