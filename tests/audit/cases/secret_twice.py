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
TRIGGERS = SILENT.changed({"clusters/staging/sealed.yaml": SEALED})
