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
COMMITS = [("2026-11-20", HEAD.files)]

SILENT = HEAD.changed(commits=COMMITS)
SILENT_AFTER_ENCRYPTION = HEAD.changed({FILE: encrypted(secret("other"))}, commits=COMMITS)
TRIGGERS = HEAD.changed({FILE: encrypted(secret(), then=once(renamed))}, commits=COMMITS)
