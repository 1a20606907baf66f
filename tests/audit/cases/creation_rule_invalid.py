"""An expression that does not compile."""

from audit_tree import RULES, repository

SILENT = repository()
TRIGGERS = SILENT.changed({"apps/.sops.yaml": RULES.replace("^(data", "^((data")})
