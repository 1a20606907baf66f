"""A chart repository over plain HTTP; in the cluster itself that is all right."""

from audit_tree import repository, yaml

CHARTS = yaml("""
    apiVersion: source.toolkit.fluxcd.io/v1
    kind: HelmRepository
    metadata: {name: charts, namespace: flux-system}
    spec: {interval: 1h, url: "http://%s/charts"}
    """)

SILENT = repository(files={"clusters/staging/charts.yaml": CHARTS % "museum.apps.svc.cluster.local"})
TRIGGERS = SILENT.changed({"clusters/staging/charts.yaml": CHARTS % "charts.waddle.example"})
