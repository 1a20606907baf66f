"""A rule for production below one for everything; and one whose files an earlier expression takes."""

from audit_tree import ALICE, CLUSTER, repository

RULE = "  - path_regex: {}\n    encrypted_regex: ^(data|stringData)$\n    age: {}\n"

SILENT = repository(
    files={
        ".sops.yaml": "creation_rules:\n"
        + RULE.format("^clusters/staging/db", f"{ALICE},{CLUSTER}")
        + RULE.format("^clusters/", ALICE)
    }
)
TRIGGERS = SILENT.changed(
    {
        ".sops.yaml": "creation_rules:\n"
        + RULE.format("^clusters/", f"{ALICE},{CLUSTER}")
        + RULE.format("^clusters/staging/db", ALICE)
        + f"  - age: {ALICE}\n"
        + RULE.format("^later/", ALICE)
    }
)
