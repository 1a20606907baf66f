"""A token for git that is half a year old."""

from datetime import date

from audit_tree import SOURCE, encrypted, repository, secret

HTTPS = SOURCE.replace("ssh://git@", "https://").replace("name: flux-system, ", "name: other, ")
TOKEN = secret("git", "flux-system", values={"username": "flux", "password": "kq83Lw2-throwaway"})

SILENT = repository(
    files={
        "clusters/staging/other.yaml": HTTPS.replace(
            "secretRef: {name: flux-system}", "secretRef: {name: git}"
        ),
        "clusters/staging/git.yaml": encrypted(TOKEN),
    }
)
TRIGGERS = SILENT.changed(today=date(2027, 5, 25))
SILENT_BY_POLICY = TRIGGERS.changed({".fluxsecrets.yaml": "audit: {token_days: 365}\n"})
