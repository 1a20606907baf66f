"""A SealedSecret and a SOPS file for the same Secret; in another namespace it is another one."""

from audit_tree import encrypted, repository, secret, yaml

SEALED = yaml("""
    apiVersion: bitnami.com/v1alpha1
    kind: SealedSecret
    metadata: {name: db, namespace: apps}
    spec:
      encryptedData: {password: AgBy3i4OJSWK}
    """)

SILENT = repository(files={"clusters/staging/other.yaml": encrypted(secret(namespace="other"))})
SAME = yaml("""
    apiVersion: external-secrets.io/v1
    kind: ExternalSecret
    metadata: {name: web, namespace: apps}
    spec:
      secretStoreRef: {kind: ClusterSecretStore, name: vault}
      data: [{secretKey: password, remoteRef: {key: web}}]
    """)
TRIGGERS_LESS_WITH_ONE_OBJECT_IN_TWO_FILES = SILENT.changed(
    {"clusters/staging/web.yaml": SAME, "clusters/staging/web-again.yaml": SAME}
)
TRIGGERS = SILENT.changed({"clusters/staging/sealed.yaml": SEALED})
