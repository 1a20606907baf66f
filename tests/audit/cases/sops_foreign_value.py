"""A ciphertext that was copied into another file."""

import re

from audit_tree import encrypted, repository, secret

FOREIGN = re.compile(r"ENC\[[^\]]*type:str\]")
COPIED = "ENC[AES256_GCM,data:c2FtZSB0aHJvd2F3YXk=,iv:{}=,tag:c2FtZXRocm93YXdheXRhZw==,type:str]".format(
    "A" * 43
)


def with_copied(text):
    return FOREIGN.sub(COPIED, text, count=1)


SILENT = repository()
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": encrypted(secret(), then=with_copied),
        "clusters/staging/more.yaml": encrypted(secret("more"), then=with_copied),
    },
    keys=None,
)
