"""A SealedSecret that kustomize puts into another namespace, and one that was renamed."""

from audit_tree import kustomization, repository, yaml

SEALED = yaml("""
    apiVersion: bitnami.com/v1alpha1
    kind: SealedSecret
    metadata: {name: web, namespace: apps}
    spec:
      encryptedData: {password: AgBy3i4OJSWK}
      template: {metadata: {name: web, namespace: apps}}
    """)
IN_NAMESPACE = yaml("""
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    namespace: %s
    resources: [sealed.yaml]
    """)

SILENT = repository(
    files={
        "apps/kustomization.yaml": IN_NAMESPACE % "apps",
        "apps/sealed.yaml": SEALED,
        "clusters/staging/apps.yaml": kustomization("apps", "apps"),
        "clusters/staging/wide.yaml": SEALED.replace(
            "{name: web, namespace: apps}",
            '{name: wide, namespace: other, annotations: {sealedsecrets.bitnami.com/cluster-wide: "true"}}',
            1,
        ),
    }
)
TRIGGERS = SILENT.changed(
    {
        "apps/kustomization.yaml": IN_NAMESPACE % "web",
        "clusters/staging/renamed.yaml": SEALED.replace(
            "{name: web, namespace: apps}", "{name: www, namespace: apps}", 1
        ),
    }
)
