"""A value that was exchanged for another ciphertext of the same file."""

import re

from audit_tree import encrypted, repository, secret

VALUES = {"admin": "first-throwaway", "user": "other-throwaway"}


def swapped(text):
    first, second = re.findall(r"ENC\[[^\]]*type:str\]", text)[:2]
    return text.replace(first, "FIRST", 1).replace(second, first, 1).replace("FIRST", second, 1)


def plain(text):
    return re.sub(r"user: ENC\[[^\]]*\]", "user: changed-throwaway", text)


SILENT = repository(files={"clusters/staging/db.yaml": encrypted(secret(values=VALUES))})
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": encrypted(secret(values=VALUES), then=swapped),
        "clusters/staging/more.yaml": encrypted(secret("more", values=VALUES), then=plain),
    }
)
