"""A password in an annotation, and one beside the encrypted part of a file for another tool."""

from audit_tree import encrypted, repository, secret, yaml

ANNOTATED = secret().replace(
    "  namespace: apps\n", "  namespace: apps\n  annotations: {db-password: kq83-throwaway-Zx}\n"
)
TALOS = yaml("""
    machine:
      token: 9fKq2Lx7-throwaway-Vb3Tn8
      ca: {crt: public, key: kq83-throwaway}
    passwordLength: 24
    """)
ONLY_KEY = ("encrypted_regex", "^key$")

SILENT = repository(
    files={"talos/machine.yaml": encrypted(TALOS, selector=("encrypted_regex", "^(key|token)$"))}
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/db.yaml": encrypted(ANNOTATED),
        "talos/machine.yaml": encrypted(TALOS, selector=ONLY_KEY),
    }
)
