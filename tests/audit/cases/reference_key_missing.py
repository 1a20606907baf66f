"""A key that was renamed in the Secret, and not in the Deployment."""

from audit_tree import pod, repository

ENV = pod().replace(
    "envFrom:\n            - secretRef: {name: db}",
    "env:\n            - name: PASSWORD\n              valueFrom: {secretKeyRef: {name: db, key: %s}}",
)

SILENT = repository(files={"clusters/staging/app.yaml": ENV % "password"})
TRIGGERS = SILENT.changed({"clusters/staging/app.yaml": ENV % "db-password"})
SILENT_WHERE_OPTIONAL = SILENT.changed({"clusters/staging/app.yaml": ENV % "db-password, optional: true"})
