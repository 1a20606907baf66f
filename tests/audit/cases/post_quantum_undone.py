"""A post-quantum recipient beside classical ones."""

from audit_tree import encrypted, repository, secret

FILE = "clusters/staging/quantum.yaml"

SILENT = repository(files={FILE: encrypted(secret("quantum"), "postquantum")})
SILENT_WITH_GROUPS = repository(
    files={
        FILE: encrypted(
            secret("quantum"), ("postquantum",), ("alice",), ("cluster", "postquantum"), threshold=3
        )
    }
)
TRIGGERS = SILENT.changed(
    {
        FILE: encrypted(secret("quantum"), "alice", "postquantum", "cluster"),
        "clusters/staging/groups.yaml": encrypted(
            secret("groups"), ("postquantum",), ("alice",), ("cluster",), threshold=2
        ),
    }
)
