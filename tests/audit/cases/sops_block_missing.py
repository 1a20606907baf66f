"""The sops block was cut off, or renamed."""

from audit_tree import encrypted, repository, secret

SILENT = repository()
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/cut.yaml": encrypted(secret("cut"), then=lambda text: text.partition("sops:")[0]),
        "clusters/staging/renamed.yaml": encrypted(
            secret("renamed"), then=lambda text: text.replace("\nsops:", "\nspos:")
        ),
    }
)
