"""A deploy key in plain text."""

from audit_tree import encrypted, repository, secret

KEY = secret("flux-system", "flux-system", values={"identity": "throwaway", "known_hosts": "git ssh-rsa A"})

SILENT = repository(files={"clusters/staging/git.yaml": encrypted(KEY)})
TRIGGERS = SILENT.changed({"clusters/staging/git.yaml": KEY})
