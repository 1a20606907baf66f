"""The same password in staging and production; a file that both apply has one of course."""

from audit_tree import cluster, encrypted, kustomization, repository, secret

SILENT = repository(
    files={
        **cluster("production"),
        "clusters/production/db.yaml": encrypted(
            secret(values={"username": "same-user", "password": "other-throwaway"})
        ),
        "clusters/production/shared.yaml": kustomization("shared", "shared"),
        "clusters/staging/shared.yaml": kustomization("shared", "shared"),
        "shared/secret.yaml": encrypted(secret("shared", values={"password": "shared-throwaway"})),
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/production/db.yaml": encrypted(
            secret(field="data", values={"password": "aHVudGVyMi10aHJvd2F3YXk="})
        )
    }
)
