"""Decryption without a Secret, and with one whose data key Flux passes over."""

from audit_tree import cluster, encrypted, repository, secret

KEY = {"identity.agekey": "AGE-throwaway"}

SILENT = repository(
    files={"clusters/staging/sops-age.yaml": encrypted(secret("sops-age", "flux-system", values=KEY))}
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/sops-age.yaml": encrypted(
            secret("sops-age", "flux-system", values={"age.key": "AGE-throwaway"})
        ),
        **{
            path: text.replace(", secretRef: {name: sops-age}", "")
            for path, text in cluster("production").items()
        },
    }
)
