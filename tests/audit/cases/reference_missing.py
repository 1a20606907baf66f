"""A Deployment and a HelmRelease that use what is not there, and an optional reference."""

from audit_tree import encrypted, pod, repository, secret, yaml

RELEASE = yaml("""
    apiVersion: helm.toolkit.fluxcd.io/v2
    kind: HelmRelease
    metadata: {name: grafana, namespace: apps}
    spec:
      chart: {spec: {chart: grafana}}
      valuesFrom: [{kind: Secret, name: grafana-values}]
      values: {admin: {existingSecret: grafana-admin}}
    """)
ISSUER = yaml("""
    apiVersion: cert-manager.io/v1
    kind: ClusterIssuer
    metadata: {name: letsencrypt}
    spec:
      acme: {privateKeySecretRef: {name: letsencrypt-account}}
    """)

RENDERED = RELEASE.replace("grafana-values", "db").replace(
    "existingSecret: grafana-admin", "secretRef: {name: NAME}"
)
OTHER = yaml("""
    apiVersion: example.waddle/v1
    kind: VirtualKey
    metadata: {name: key, namespace: apps}
    spec: {secretRef: {name: it-may-be-made-by-the-operator}}
    """)

SILENT = repository(
    files={
        "clusters/staging/db-secret.yaml": encrypted(secret("grafana-db")),
        "clusters/staging/rendered.yaml": RENDERED.replace("NAME", "'{{ .Release.Name }}-db'"),
        "clusters/staging/unknown.yaml": OTHER,
        "clusters/staging/optional.yaml": pod("optional", uses="gone, optional: true"),
        "clusters/staging/issuer.yaml": ISSUER,
    }
)
TRIGGERS = SILENT.changed(
    {"clusters/staging/app.yaml": pod(uses="database"), "clusters/staging/grafana.yaml": RELEASE}
)
SILENT_IN_A_PART = TRIGGERS.changed({"clusters/staging/flux-system/gotk-sync.yaml": None})
