"""A Secret in a List, which kustomize takes apart."""

from audit_tree import repository, secret

ITEM = "".join(f"    {line}\n" for line in secret().splitlines())

SILENT = repository()
TRIGGERS = SILENT.changed(
    {"clusters/staging/list.yaml": f"apiVersion: v1\nkind: List\nitems:\n  -{ITEM[3:]}"}
)
