"""An RSA key of 2048 bits."""

from audit_tree import RULES, encrypted, repository, secret

SILENT = repository(
    files={"clusters/staging/ed25519.yaml": encrypted(secret("more"), "alice", "ssh_ed25519")}
)
TRIGGERS = SILENT.changed(
    {"clusters/staging/rsa.yaml": encrypted(secret("rsa"), "alice", "ssh_rsa"), ".sops.yaml": RULES}
)
