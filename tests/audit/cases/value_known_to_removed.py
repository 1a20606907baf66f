"""Bob left, the file is not for him any more, and the password is the one that he knew."""

from audit_tree import BOB, RULES, encrypted, repository, secret

FILE = "clusters/staging/db.yaml"
VALUES = {"username": "app", "password": "kq83-throwaway-2Lx"}
BEFORE = repository(
    files={
        "keys/bob.pub": f"{BOB}\n",
        FILE: encrypted(secret(values=VALUES), "alice", "bob", "cluster"),
    }
)
COMMITS = [("2026-01-10", BEFORE.files), ("2026-06-01", {"keys/bob.pub": None, ".sops.yaml": RULES})]

TRIGGERS = repository(files={FILE: encrypted(secret(values=VALUES))}, commits=COMMITS)
SILENT = TRIGGERS.changed({FILE: encrypted(secret(values={**VALUES, "password": "9sJq-throwaway-7Wd"}))})
SILENT_WITHOUT_KEYS = TRIGGERS.changed(keys=None)
DECIDED = f"""{{"version": 1, "name": "bob", "kind": "age", "recipient": "{BOB}", "removed": "2026-06-01",
 "values": [{{"value": "{FILE}#stringData.password", "state": "accepted", "reason": "throw-away"}}]}}
"""
SILENT_WHERE_IT_MAY_STAY = TRIGGERS.changed({"offboarding/bob.json": DECIDED})
