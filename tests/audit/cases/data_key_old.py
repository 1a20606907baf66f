"""A file that has had its data key for two years, whether it was edited since or not."""

from datetime import date

from audit_tree import encrypted, repository, secret, without

FILE = "clusters/staging/db.yaml"
EARLIER, EDITED = without(FILE, encrypted(secret(), "alice", "bob", "cluster"), "bob")

SILENT = repository()
TRIGGERS = SILENT.changed(today=date(2028, 11, 25))
SILENT_BY_POLICY = TRIGGERS.changed({".fluxsecrets.yaml": "audit: {data_key_days: 1000}\n"})
TRIGGERS_AFTER_AN_EDIT = SILENT.changed(
    {FILE: EDITED}, commits=[("2024-01-02", {**SILENT.files, FILE: EARLIER})]
)
SILENT_WITH_A_NEW_DATA_KEY = SILENT.changed(commits=[("2024-01-02", {**SILENT.files, FILE: EARLIER})])
