"""REPLACE_ME in production; `none` where it is a setting."""

from audit_tree import cluster, encrypted, repository, secret

SILENT = repository(
    files={
        **cluster("production"),
        "clusters/production/db.yaml": encrypted(
            secret(values={"mode": "none", "password": "kq83-throwaway"})
        ),
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/production/db.yaml": encrypted(secret(values={"mode": "none", "password": "REPLACE_ME"})),
        "clusters/staging/more.yaml": encrypted(secret("more", values={"config": "<your config here>"})),
        "clusters/staging/todo.yaml": encrypted(secret("todo", values={"url": "todo-insert-url"})),
    }
)
