"""Ciphertexts of values that were copied into comments, outside of the encrypted part and within it."""

import re

from audit_tree import encrypted, repository, secret

FILE = "clusters/staging/db.yaml"
MADE = {}


def once(change=str):
    """The same ciphertext each time, with something done to it."""
    return lambda text: change(MADE.setdefault(FILE, text))


def copied(text):
    value = re.search(r"password: (ENC[^\]]*\])", text)[1].replace("type:str", "type:comment")
    return text.replace("  name:", f"  #{value}\n  name:").replace("stringData:", f"stringData:\n  #{value}")


COMMENTED = secret().replace("  password", "  # throwaway\n  password")
SILENT = repository(files={FILE: encrypted(COMMENTED, then=once())})
SILENT_WITH_PLAIN_COMMENTS = repository(files={FILE: encrypted("# throwaway\n" + secret())})
TRIGGERS = SILENT.changed({FILE: encrypted(secret(), then=once(copied))})
