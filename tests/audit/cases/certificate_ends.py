"""A certificate that ended, one that ends within a month, and one that does not."""

from audit_tree import certificate, encrypted, repository, secret

SILENT = repository(
    files={
        "clusters/staging/tls.yaml": encrypted(secret("tls", values={"tls.crt": certificate("2027-06-01")}))
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/tls.yaml": encrypted(
            secret("tls", values={"old.crt": certificate("2026-10-01"), "new.crt": certificate("2026-12-10")})
        )
    }
)
SILENT_BY_POLICY = SILENT.changed(
    {
        "clusters/staging/tls.yaml": encrypted(secret("tls", values={"new.crt": certificate("2026-12-10")})),
        ".fluxsecrets.yaml": "audit: {certificate_days: 7}\n",
    }
)
