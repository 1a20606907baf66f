"""A password with `${` in it, in a Kustomization that replaces variables; one that is meant is known."""

from audit_tree import encrypted, kustomization, repository, secret

VARIABLES = "postBuild: {substitute: {cluster_name: staging}}\n"
KUSTOMIZATION = kustomization("apps", "apps", more=VARIABLES)

SILENT = repository(
    files={
        "clusters/staging/apps.yaml": KUSTOMIZATION,
        "apps/known.yaml": encrypted(secret("known", values={"url": '"https://${cluster_name}-throwaway"'})),
        "apps/escaped.yaml": encrypted(secret("escaped", values={"password": '"a$${b}throwaway"'})),
    }
)
TRIGGERS = SILENT.changed({"apps/db.yaml": encrypted(secret("pw", values={"password": '"a${b}throwaway"'}))})
