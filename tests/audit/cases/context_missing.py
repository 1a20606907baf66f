"""One key without a context, where the others have one."""

from audit_tree import aws_key, for_services, repository

DB = "clusters/staging/db.yaml"
WITH = {"context": {"app": "shop"}}
SILENT = repository().changed(
    {
        DB: for_services(kms=[aws_key()], beside=True),
        "clusters/staging/more.yaml": for_services("more", kms=[aws_key()], beside=True),
        "clusters/staging/one.yaml": for_services("one", kms=[aws_key(**WITH)], beside=True),
    }
)
TRIGGERS = SILENT.changed(
    {
        DB: for_services(kms=[aws_key(**WITH)], beside=True),
        "clusters/staging/more.yaml": for_services("more", kms=[aws_key(**WITH)], beside=True),
        "clusters/staging/one.yaml": for_services("one", kms=[aws_key()], beside=True),
    }
)
