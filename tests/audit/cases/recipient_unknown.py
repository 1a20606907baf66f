"""Bob's key is in a file and in no `keys/NAME.pub`; in a repository without keys/ nobody is known."""

from audit_tree import BOB, RULES, encrypted, repository, secret

SILENT = repository(files={"keys/bob.pub": f"# Bob\n{BOB}\n"})
TRIGGERS = repository(
    files={
        ".sops.yaml": f"{RULES}    pgp: 3B53DF19B9884C364821CD2F63F909A3062E2C9A\n",
        "clusters/staging/db.yaml": encrypted(secret(), "alice", "bob", "cluster"),
    }
)
SILENT_WITHOUT_NAMES = TRIGGERS.changed({"keys/alice.pub": None, "keys/cluster-staging.pub": None})
