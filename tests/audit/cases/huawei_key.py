"""A key of Huawei Cloud."""

from audit_tree import aws_key, for_services, repository

DB = "clusters/staging/db.yaml"
SILENT = repository().changed({DB: for_services(kms=[aws_key()], beside=True)})
TRIGGERS = repository().changed({DB: for_services(hckms=[{"key_id": "eu-west-101:example"}], beside=True)})
