"""A dependency that is not there, and two that wait for each other."""

from audit_tree import kustomization, repository

A = kustomization("a", "apps/a", more="dependsOn: [{name: b}]\n")
B = kustomization("b", "apps/b")

SILENT = repository(
    files={
        "clusters/staging/a.yaml": A,
        "clusters/staging/b.yaml": B,
        "apps/a/empty.yaml": "",
        "apps/b/empty.yaml": "",
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/b.yaml": kustomization("b", "apps/b", more="dependsOn: [{name: a}]\n"),
        "clusters/staging/c.yaml": kustomization("c", "apps/a", more="dependsOn: [{name: databases}]\n"),
    }
)
