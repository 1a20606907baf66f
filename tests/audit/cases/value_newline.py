"""`echo` instead of `printf`."""

from audit_tree import encrypted, repository, secret

SILENT = repository(
    files={
        "clusters/staging/db.yaml": encrypted(
            secret(field="data", values={"password": "aHVudGVyMi10aHJvd2F3YXk=", "note": "dGhyb3dhd2F5Cg=="})
        )
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": encrypted(
            secret(field="data", values={"password": "aHVudGVyMi10aHJvd2F3YXkK"})
            + 'stringData:\n  token: "hunter2-throwaway\\n"\n'
        )
    }
)
