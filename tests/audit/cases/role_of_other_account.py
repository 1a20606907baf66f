"""A role of another account than the key's."""

from audit_tree import aws_key, for_services, repository

DB = "clusters/staging/db.yaml"
OWN, OTHER = (f"arn:aws:iam::{account}:role/example" for account in ("111122223333", "444455556666"))
SILENT = repository().changed({DB: for_services(kms=[aws_key(role=OWN)], beside=True)})
TRIGGERS = repository().changed({DB: for_services(kms=[aws_key(role=OTHER)], beside=True)})
