"""Files that only aliases open."""

from audit_tree import aws_key, for_services, repository

DB = "clusters/staging/db.yaml"
ALIAS = aws_key(name="alias/sops")
SILENT = repository().changed(
    {
        DB: for_services(kms=[ALIAS], beside=True),
        "clusters/staging/more.yaml": for_services("more", kms=[ALIAS, aws_key()]),
    }
)
TRIGGERS = SILENT.changed({DB: for_services(kms=[ALIAS, aws_key(name="alias/other")])})
