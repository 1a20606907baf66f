"""Passwords that are common, short, or the user's name."""

from audit_tree import encrypted, repository, secret

SILENT = repository(
    files={
        "clusters/staging/db.yaml": encrypted(
            secret(values={"username": "admin", "password": "kq83-throwaway-2Lx", "token": "short"})
        )
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": encrypted(
            secret(
                values={
                    "username": "waddle",
                    "password": "Admin123",
                    "other_password": "waddle",
                    "pin_password": '"73910284"',
                    "short_password": "a8K2",
                    "same_password": "abababababab",
                }
            )
        )
    }
)
