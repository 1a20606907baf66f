"""A value that somebody added to an encrypted file with an editor."""

from audit_tree import encrypted, repository, secret


def with_another(text):
    return text.replace("stringData:\n", "stringData:\n  token: added-throwaway-7fd2Kq\n")


SILENT = repository()
TRIGGERS = SILENT.changed({"clusters/staging/db.yaml": encrypted(secret(), then=with_another)}, keys=None)
