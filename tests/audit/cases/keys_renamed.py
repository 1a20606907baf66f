"""A plain key was renamed in an encrypted file, and an empty value added; a new MAC makes it right."""

from audit_tree import encrypted, repository, secret

FILE = "clusters/staging/db.yaml"


def renamed(text):
    return text.replace("name: db", "renamed: db").replace("stringData:\n", 'stringData:\n  added: ""\n')


MADE = {}


def once(change=str):
    """The same ciphertext each time, with something done to it."""
    return lambda text: change(MADE.setdefault(FILE, text))


HEAD = repository(files={FILE: encrypted(secret(), then=once())})
SILENT = HEAD.changed(head=HEAD.files)
SILENT_AFTER_ENCRYPTION = HEAD.changed({FILE: encrypted(secret("other"))}, head=HEAD.files)
TRIGGERS = HEAD.changed({FILE: encrypted(secret(), then=once(renamed))}, head=HEAD.files)
