"""`data|stringData` without anchors is found in `metadata`, too."""

from audit_tree import RULES, repository

SILENT = repository()
TRIGGERS = SILENT.changed({".sops.yaml": RULES.replace("^(data|stringData)$", "data|stringData")})
