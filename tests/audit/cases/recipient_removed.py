"""Bob was taken out of keys/ in June, and a file is still for him; alice has a new key."""

from audit_tree import BOB, CLUSTER, RULES, encrypted, repository, secret

FILE = "clusters/staging/db.yaml"
BEFORE = repository(
    files={
        "keys/bob.pub": f"{BOB}\n",
        ".sops.yaml": f"{RULES},{BOB}\n".replace("\n,", ","),
        FILE: encrypted(secret(), "alice", "bob", "cluster"),
    }
)
WITHOUT = {"keys/bob.pub": None, ".sops.yaml": RULES}
COMMITS = [("2026-01-10", BEFORE.files), ("2026-06-01", WITHOUT)]

SILENT = repository(commits=COMMITS)
TRIGGERS = SILENT.changed({FILE: encrypted(secret(), "alice", "bob", "cluster")})
NEW_KEY = {"keys/cluster-staging.pub": f"{BOB}\n", ".sops.yaml": RULES.replace(CLUSTER, BOB)}
SILENT_WITH_A_NEW_KEY = repository(
    files=NEW_KEY, commits=[("2026-01-10", repository().files), ("2026-06-01", NEW_KEY)]
)
