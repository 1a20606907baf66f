"""Bob left, and two files that alice could not open are as they were; production is bob's and carol's."""

import json

from audit_tree import BOB, CLUSTER, RECIPIENTS, encrypted, repository, secret

DB, MAIL = "clusters/staging/db.yaml", "clusters/staging/mail.yaml"
RECORD = {"version": 1, "name": "bob", "kind": "age", "recipient": BOB, "removed": "2026-11-20", "values": []}


def record(**more):
    return {"offboarding/bob.json": json.dumps({**RECORD, **more})}


SILENT = repository(files=record())
TRIGGERS = SILENT.changed(
    {
        DB: encrypted(secret(), "alice", "bob", "cluster"),
        MAIL: encrypted(secret("mail"), "alice", "cluster"),
        **record(unsettled=[MAIL, "gone.yaml"]),
        "offboarding/eve.json": json.dumps({**RECORD, "name": "eve", "recipient": RECIPIENTS["ssh_ed25519"]}),
        "offboarding/broken.json": "{}",
        "offboarding/old.json": json.dumps({**RECORD, "name": "old", "recipient": CLUSTER}),
    }
)
FINE = {"offboarding/broken.json": None, "offboarding/old.json": None}
SILENT_WHERE_BOB_CAME_BACK = TRIGGERS.changed(
    {"keys/bob.pub": f"{BOB}\n", "offboarding/bob.json": None, **FINE}
)
SILENT_WHERE_IT_IS_FINISHED = TRIGGERS.changed(
    {DB: encrypted(secret(), "alice", "cluster"), **record(), **FINE}
)
