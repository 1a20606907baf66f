"""A Deployment and a HelmRelease that use what is not there, and an optional reference."""

from audit_tree import pod, repository, yaml

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

SILENT = repository(
    files={
        "clusters/staging/optional.yaml": pod("optional", uses="gone, optional: true"),
        "clusters/staging/issuer.yaml": ISSUER,
    }
)
TRIGGERS = SILENT.changed(
    {"clusters/staging/app.yaml": pod(uses="database"), "clusters/staging/grafana.yaml": RELEASE}
)
