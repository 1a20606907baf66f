"""Variables from a Secret that another Kustomization applies."""

from audit_tree import encrypted, kustomization, repository, secret

VARIABLES = "postBuild: {substituteFrom: [{kind: Secret, name: settings}]}\n"

SILENT = repository(
    files={
        "clusters/staging/base.yaml": kustomization("base", "base"),
        "base/settings.yaml": encrypted(secret("settings", "flux-system")),
        "apps/web/app.yaml": "",
        "clusters/staging/web.yaml": kustomization(
            "web", "apps/web", more=f"dependsOn: [{{name: base}}]\n{VARIABLES}"
        ),
    }
)
TRIGGERS = SILENT.changed({"clusters/staging/web.yaml": kustomization("web", "apps/web", more=VARIABLES)})
