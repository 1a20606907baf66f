"""A proposal whose entry was lost."""

from audit_tree import encrypted, repository, secret

LISTED = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [flux-system, db.yaml, app.yaml]
"""
FILES = {
    "clusters/staging/flux-system/kustomization.yaml": LISTED.replace(
        "flux-system, db.yaml, app.yaml", "gotk-sync.yaml"
    ),
    "clusters/staging/db.proposed-token.yaml": encrypted(secret(values={"token": "x"}, field="data")),
}

SILENT = repository().changed(
    {
        **FILES,
        "clusters/staging/kustomization.yaml": f"{LISTED}patches:\n  - path: db.proposed-token.yaml\n",
    }
)
TRIGGERS = SILENT.changed({"clusters/staging/kustomization.yaml": LISTED})
