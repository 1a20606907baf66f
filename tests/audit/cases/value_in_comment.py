"""A value that stands in comments as well, outside of the encrypted part."""

from audit_tree import encrypted, repository, secret

FILE = "clusters/staging/db.yaml"

SILENT = repository(
    files={
        FILE: encrypted(
            "# the database of the apps; see port 5432\n"
            + secret(values={"password": "hunter2-throwaway", "user": "admin", "port": "'5432'"})
            .replace("  name: db", "  name: db # admin")
            .replace("  password", "  # was hunter2-throwaway\n  password")
        )
    }
)
SILENT_WITHOUT_A_KEY = repository(files={FILE: encrypted("# hunter2-throwaway\n" + secret())}, keys="bob")
TRIGGERS = SILENT.changed(
    {
        FILE: encrypted(
            "# root password: hunter2-throwaway\n"
            + secret().replace("  name: db", "  name: db # was hunter2-throwaway")
        ),
        "clusters/staging/encoded.yaml": encrypted(
            "# aHVudGVyMi10aHJvd2F3YXk=\n"
            + secret("encoded", field="data", values={"password": "aHVudGVyMi10aHJvd2F3YXk="})
        ),
    }
)
