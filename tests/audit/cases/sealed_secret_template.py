"""A value in a SealedSecret's template; one that is put together from sealed ones is all right."""

from audit_tree import repository, yaml

SEALED = yaml("""
    apiVersion: bitnami.com/v1alpha1
    kind: SealedSecret
    metadata: {name: web, namespace: apps}
    spec:
      encryptedData: {password: AgBy3i4OJSWK}
      template:
        data:
          url: "postgres://app:{{ .password }}@db"
    """)

SILENT = repository(files={"clusters/staging/sealed.yaml": SEALED})
TRIGGERS = SILENT.changed(
    {"clusters/staging/sealed.yaml": SEALED.replace("url: ", "token: hunter2-throwaway-9Qf3\n      url: ")}
)
