"""A Secret that no expression matches, one without any .sops.yaml, and a rule that names nobody."""

from audit_tree import ALICE, RULES, repository, secret

SILENT = repository()
TRIGGERS = SILENT.changed(
    {
        ".sops.yaml": None,
        "apps/.sops.yaml": f"creation_rules:\n  - path_regex: prod\n    age: {ALICE}\n"
        "  - path_regex: nobody\n    encrypted_regex: ^data$\n",
        "apps/a.yaml": secret(),
        "apps/nobody.yaml": secret(),
        "clusters/staging/db.yaml": secret(),
    }
)
SILENT_BESIDE_AN_INVALID_FILE = SILENT.changed({".sops.yaml": RULES.replace("^(data", "^((data")})
