"""`cp -r clusters/production clusters/staging`, and one spec.path that nobody changed."""

from audit_tree import cluster, kustomization, pod, repository

BOTH = {**cluster("staging"), **cluster("production")}


def environment(name, *, apps, infra="infrastructure/base"):
    return {
        f"clusters/{name}/apps.yaml": kustomization("apps", apps),
        f"clusters/{name}/infra.yaml": kustomization("infra", infra),
    }


SILENT = repository(
    files={
        **BOTH,
        **environment("production", apps="apps/production"),
        **environment("staging", apps="apps/staging"),
        "apps/production/app.yaml": pod("shop", uses="shop"),
        "apps/staging/app.yaml": pod("shop", uses="shop"),
        "infrastructure/base/proxy.yaml": pod("proxy", "proxy", uses="proxy"),
    }
)
TRIGGERS = SILENT.changed(environment("staging", apps="apps/production"))
"""There is a folder of its own."""

TRIGGERS_WITHOUT_A_FOLDER = TRIGGERS.changed({"apps/staging/app.yaml": None})
TRIGGERS_IN_THE_SYNC = SILENT.changed(
    {
        "clusters/staging/flux-system/gotk-sync.yaml": cluster("production")[
            "clusters/production/flux-system/gotk-sync.yaml"
        ]
    }
)
SILENT_FOR_ANOTHER_CLUSTER = TRIGGERS.changed(
    {
        "clusters/staging/apps.yaml": kustomization(
            "apps", "apps/production", more="kubeConfig: {secretRef: {name: production}}"
        )
    }
)
