"""A certificate that ended; the older of two does not matter."""

from audit_tree import certificate_file, repository

SETTINGS = "environments: {staging: {sealing_certificates: [certs/old.pem, certs/new.pem]}}\n"

SILENT = repository(
    files={
        ".fluxsecrets.yaml": SETTINGS,
        "certs/old.pem": certificate_file("2026-01-01"),
        "certs/new.pem": certificate_file("2028-01-01"),
    }
)
TRIGGERS = SILENT.changed(
    {"certs/new.pem": certificate_file("2026-11-01"), "certs/old.pem": "no certificate\n"}
)
