"""A profile in a file that Flux reads."""

from audit_tree import aws_key, for_services, repository

DB = "clusters/staging/db.yaml"
SILENT = repository().changed(
    {
        DB: for_services(kms=[aws_key()], beside=True),
        "elsewhere/db.yaml": for_services(kms=[aws_key(aws_profile="team")]),
    }
)
TRIGGERS = repository().changed({DB: for_services(kms=[aws_key(aws_profile="team")], beside=True)})
