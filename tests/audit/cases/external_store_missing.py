"""A store that is called otherwise."""

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

SILENT = repository(files={"clusters/staging/web.yaml": EXTERNAL, "clusters/staging/store.yaml": STORE})
TRIGGERS = SILENT.changed({"clusters/staging/store.yaml": STORE.replace("name: vault", "name: vault-2")})
