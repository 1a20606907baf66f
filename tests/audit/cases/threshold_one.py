"""Two key groups of which one is enough, in a rule and in a file."""

from audit_tree import ALICE, BOB, encrypted, repository, secret, yaml

GROUPS = yaml(f"""
    creation_rules:
      - encrypted_regex: ^(data|stringData)$
        shamir_threshold: 2
        key_groups:
          - age: [{ALICE}]
          - age: [{BOB}]
    """)

SILENT = repository(
    files={
        ".sops.yaml": GROUPS,
        "clusters/staging/db.yaml": encrypted(secret(), ("alice",), ("bob",), threshold=2),
    }
)
TRIGGERS = SILENT.changed(
    {
        ".sops.yaml": GROUPS.replace("threshold: 2", "threshold: 1"),
        "clusters/staging/db.yaml": encrypted(
            secret(),
            ("alice",),
            ("bob",),
            threshold=2,
            then=lambda text: text.replace("shamir_threshold: 2", "shamir_threshold: 1"),
        ),
    }
)
