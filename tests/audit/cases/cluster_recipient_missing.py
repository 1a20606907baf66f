"""The staging cluster applies a file that is for alice and bob only."""

from audit_tree import aws_key, encrypted, for_services, repository, secret

SILENT = repository(files={"docs/example.yaml": encrypted(secret(), "alice", "bob")})
TRIGGERS = SILENT.changed({"clusters/staging/db.yaml": encrypted(secret(), "alice", "bob")})
SILENT_SERVICE = SILENT.changed({"clusters/staging/db.yaml": for_services(kms=[aws_key()])})
"""Whether the cluster has a role for the key is not in the repository."""
