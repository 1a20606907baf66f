"""A Secret in plain text; references that another tool resolves are none."""

from audit_tree import repository, secret

SILENT = repository(files={"clusters/staging/db.yaml": secret(values={"password": "op://vault/db/password"})})
TRIGGERS = SILENT.changed(
    {"clusters/staging/db.yaml": secret(values={"password": "hunter2-throwaway", "empty": '""'})}
)
