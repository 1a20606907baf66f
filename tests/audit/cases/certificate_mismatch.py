"""A renewed certificate beside the old key."""

from audit_tree import certificate, encrypted, pem, repository, secret

SILENT = repository(
    files={
        "clusters/staging/tls.yaml": encrypted(
            secret("tls", values={"tls.crt": certificate("2027-06-01"), "tls.key": pem("sealing.key")})
        )
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/tls.yaml": encrypted(
            secret("tls", values={"tls.crt": certificate("2027-06-01"), "tls.key": pem("sealing-new.key")})
        )
    }
)
