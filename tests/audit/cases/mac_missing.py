"""The MAC was taken out."""

import re

from audit_tree import encrypted, repository, secret


def without_mac(text):
    return re.sub(r"\n +mac: ENC\[[^\n]*", "", text)


SILENT = repository()
TRIGGERS = SILENT.changed({"clusters/staging/db.yaml": encrypted(secret(), then=without_mac)})
