"""A rule for a folder that is called otherwise."""

from audit_tree import ALICE, RULES, repository

RULE = "  - path_regex: ^{}/\n    age: {}\n"

SILENT = repository(
    files={".sops.yaml": RULES.replace("rules:\n", f"rules:\n{RULE.format('keys', ALICE)}", 1)}
)
TRIGGERS = SILENT.changed(
    {".sops.yaml": RULES.replace("rules:\n", f"rules:\n{RULE.format('cluster/prod', ALICE)}", 1)}
)
