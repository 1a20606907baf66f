"""A Secret that is no YAML, and a manifest that Flux applies."""

from audit_tree import repository

SILENT = repository(files={"docs/broken.yaml": "a: [\n"})
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: db\nstringData: {a: b}\n",
        "clusters/staging/broken.yaml": "a: [\n",
    }
)
