"""`^data$` leaves stringData in plain text; references to values elsewhere may stay."""

from audit_tree import RULES, encrypted, repository, secret

DATA = ("encrypted_regex", "^data$")

SILENT = repository(
    files={
        ".sops.yaml": RULES.replace("^(data|stringData)$", "^data$"),
        "clusters/staging/db.yaml": encrypted(
            secret(values={"password": "aHVudGVyMi10aHJvd2F3YXk="}, field="data"), selector=DATA
        ),
        "clusters/staging/reference.yaml": secret("other", values={"password": "${PASSWORD}"}),
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": encrypted(
            secret(values={"password": "throwaway", "user": "alice"}) + "data: {token: dGhyb3dhd2F5}\n",
            selector=DATA,
        )
    }
)
