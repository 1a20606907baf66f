"""`sops updatekeys` took bob out of the file, and it kept the data key that an old commit gives him."""

from audit_tree import BOB, RULES, encrypted, repository, secret, without

FILE = "clusters/staging/db.yaml"
WITH_BOB, WITHOUT_BOB = without(FILE, encrypted(secret(), "alice", "bob", "cluster"), "bob")
BEFORE = repository(
    files={
        ".sops.yaml": RULES.replace("age: ", f"age: {BOB},"),
        "keys/bob.pub": f"{BOB}\n",
        FILE: WITH_BOB,
    }
)
COMMITS = [("2026-01-10", BEFORE.files)]

TRIGGERS = repository(files={"keys/bob.pub": f"{BOB}\n", FILE: WITHOUT_BOB}, commits=COMMITS)
TRIGGERS_WITHOUT_KEYS = TRIGGERS.changed(keys=None)
SILENT = TRIGGERS.changed({FILE: encrypted(secret())})
SILENT_WHILE_HE_IS_A_RECIPIENT = BEFORE.changed(commits=COMMITS)
