"""Keys of two partitions in one file."""

from audit_tree import aws_key, for_services, repository

DB = "clusters/staging/db.yaml"
CHINA = aws_key(partition="aws-cn", region="cn-north-1")
SILENT = repository().changed(
    {
        DB: for_services(kms=[aws_key(), aws_key("444455556666")], beside=True),
        "clusters/staging/more.yaml": for_services("more", kms=[CHINA], beside=True),
    }
)
TRIGGERS = repository().changed({DB: for_services(kms=[aws_key(), CHINA], beside=True)})
