"""A folder with two kustomization files, which two Kustomizations apply."""

from audit_tree import kustomization, pod, repository

KUSTOMIZATION = "resources: [app.yaml]\n"

SILENT = repository(
    files={
        "clusters/staging/one.yaml": kustomization("one", "apps/one"),
        "clusters/staging/two.yaml": kustomization("two", "apps/two"),
        "apps/base/app.yaml": pod(),
        "apps/base/kustomization.yaml": KUSTOMIZATION,
        "apps/one/kustomization.yaml": "resources: [../base]\nnamespace: one\n",
        "apps/two/kustomization.yaml": "resources: [../base]\nnamespace: two\n",
    }
)
TRIGGERS = SILENT.changed({"apps/base/kustomization.yml": KUSTOMIZATION})
SILENT_WHERE_ANOTHER_RULE_FINDS_IT = SILENT.changed(
    {"clusters/staging/waits.yaml": kustomization("waits", "apps/one", more="dependsOn: [{name: nobody}]")}
)
SILENT_WHERE_IT_CANNOT_BE_TOLD = SILENT.changed(
    {
        "clusters/staging/remote.yaml": kustomization("remote", "apps/remote"),
        "apps/remote/kustomization.yaml": "resources: [https://git.waddle.example/base?ref=v1]\n",
    }
)
