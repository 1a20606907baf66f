"""A personal access token where a deploy key would do."""

from audit_tree import encrypted, repository, secret

KEY = secret("flux-system", "flux-system", values={"identity": "throwaway", "identity.pub": "ssh-ed25519 A"})
TOKEN = secret("flux-system", "flux-system", values={"username": "git", "password": "ghp_throwaway2Kq8Lx"})

SILENT = repository(files={"clusters/staging/git.yaml": encrypted(KEY)})
TRIGGERS = SILENT.changed({"clusters/staging/git.yaml": encrypted(TOKEN)})
