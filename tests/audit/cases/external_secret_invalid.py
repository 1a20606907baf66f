"""An ExternalSecret of the version that is not served any more, and one without anything to read."""

from audit_tree import repository, yaml

EXTERNAL = yaml("""
    apiVersion: external-secrets.io/v1
    kind: ExternalSecret
    metadata: {name: web, namespace: apps}
    spec:
      secretStoreRef: {kind: ClusterSecretStore, name: vault}
      data: [{secretKey: password, remoteRef: {key: web}}]
    """)
STORE = yaml("""
    apiVersion: external-secrets.io/v1
    kind: ClusterSecretStore
    metadata: {name: vault}
    spec:
      provider: {vault: {server: "https://vault.waddle.example", version: v2}}
    """)

DOPPLER = yaml("""
    apiVersion: external-secrets.io/v1
    kind: ClusterSecretStore
    metadata: {name: doppler}
    spec: {provider: {doppler: {auth: {secretRef: {dopplerToken: {name: t}}}}}}
    """)
INFISICAL = yaml("""
    apiVersion: external-secrets.io/v1
    kind: ClusterSecretStore
    metadata: {name: infisical}
    spec: {provider: {infisical: {secretsScope: {projectSlug: a, environmentSlug: b}}}}
    """)

SILENT = repository(
    files={
        "clusters/staging/web.yaml": EXTERNAL,
        "clusters/staging/store.yaml": STORE,
        "clusters/staging/doppler.yaml": DOPPLER,
        "clusters/staging/infisical.yaml": INFISICAL,
        "clusters/staging/from-doppler.yaml": EXTERNAL.replace("name: web", "name: d").replace(
            "name: vault", "name: doppler"
        ),
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/web.yaml": EXTERNAL.replace("/v1\n", "/v1beta1\n"),
        "clusters/staging/none.yaml": EXTERNAL.replace("name: web", "name: none").replace(
            "  data:", "  other:"
        ),
        "clusters/staging/store.yaml": STORE.replace("version: v2", "version: v3"),
        "clusters/staging/infisical.yaml": INFISICAL.replace(", environmentSlug: b", ""),
        "clusters/staging/from-doppler.yaml": EXTERNAL.replace("name: web", "name: d")
        .replace("name: vault", "name: doppler")
        .replace("key: web", "key: WEB, property: password"),
    }
)
