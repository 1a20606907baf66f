"""base64 under stringData, and twice under data; random bytes in base64 are a value as any other."""

from audit_tree import encrypted, repository, secret

SILENT = repository(
    files={
        "clusters/staging/db.yaml": encrypted(
            secret(values={"key": "3q2+7wABAgMEBQYHCAkKCwwNDg8=", "name": "throwaway"})
            + "data:\n  password: aHVudGVyMi10aHJvd2F3YXk=\n"
        )
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": encrypted(
            secret(values={"password": "aHVudGVyMi10aHJvd2F3YXk="})
            + "data:\n  token: YUhWdWRHVnlNaTEwYUhKdmQyRjNZWGs9\n"
        )
    }
)
