"""A repository over SSH without a key, and one on a server of one's own."""

from audit_tree import SOURCE, repository

PUBLIC = SOURCE.replace("ssh://git@git.waddle.example", "https://github.com").replace(
    "name: flux-", "name: x-", 1
)
PUBLIC = PUBLIC.replace("  secretRef: {name: flux-system}\n", "")

SILENT = repository(files={"clusters/staging/public.yaml": PUBLIC})
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/public.yaml": PUBLIC.replace("https://", "ssh://git@"),
        "clusters/staging/own.yaml": PUBLIC.replace("github.com", "git.waddle.example").replace(
            "x-", "y-", 1
        ),
    }
)
