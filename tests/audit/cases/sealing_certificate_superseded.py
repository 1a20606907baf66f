"""A SealedSecret that is older than the certificate."""

from audit_tree import certificate_file, repository, yaml

SEALED = yaml("""
    apiVersion: bitnami.com/v1alpha1
    kind: SealedSecret
    metadata: {name: web, namespace: apps}
    spec: {encryptedData: {password: AgBy3i4OJSWK}}
    """)
BASE = repository(
    files={
        ".fluxsecrets.yaml": "environments: {staging: {sealing_certificates: [certs/staging.pem]}}\n",
        "certs/staging.pem": certificate_file("2027-06-01"),
        "clusters/staging/sealed.yaml": SEALED,
    }
)

TRIGGERS = BASE.changed(commits=[("2026-01-10", BASE.files)])
SILENT = BASE.changed(commits=[("2026-07-10", BASE.files)])
SILENT_WHERE_NOT_COMMITTED = BASE.changed(commits=[("2026-01-10", {"readme.md": "throw-away\n"})])
