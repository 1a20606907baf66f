"""The staging cluster applies a file that is for alice and bob only."""

from audit_tree import encrypted, repository, secret

SILENT = repository(files={"docs/example.yaml": encrypted(secret(), "alice", "bob")})
TRIGGERS = SILENT.changed({"clusters/staging/db.yaml": encrypted(secret(), "alice", "bob")})
