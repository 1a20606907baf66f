"""A `.sops.yaml` in the cluster's folder lets in somebody; a folder of bob's own is as it may be."""

from audit_tree import ALICE, BOB, CLUSTER, RULES, encrypted, repository, secret

STRANGER = "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq"
PEOPLE = ("alice", "cluster")
FILE, NESTED = "clusters/staging/db.yaml", "clusters/staging/.sops.yaml"

SILENT = repository(files={NESTED: RULES})
SILENT_FOR_FEWER = SILENT.changed(
    {
        ".sops.yaml": RULES.replace(ALICE, f"{ALICE},{BOB}"),
        "keys/bob.pub": f"{BOB}\n",
    }
)
TRIGGERS = SILENT.changed(
    {
        NESTED: RULES.replace(CLUSTER, f"{CLUSTER},{STRANGER}"),
        FILE: encrypted(secret(), *PEOPLE, STRANGER),
        # Nothing is encrypted by it yet
        "later/.sops.yaml": RULES.replace(CLUSTER, STRANGER),
        # They are known, and so it may be right: low
        "bobs/.sops.yaml": RULES.replace(CLUSTER, BOB),
        "keys/bob.pub": f"{BOB}\n",
    }
)
