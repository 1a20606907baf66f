"""A key of one region alone, in production and elsewhere."""

from audit_tree import aws_key, cluster, for_services, repository

DB = "clusters/staging/db.yaml"
PRODUCTION = {**cluster("production"), "clusters/production/api.yaml": for_services("api", kms=[aws_key()])}
SILENT = repository().changed(
    {
        DB: for_services(kms=[aws_key(), aws_key(region="eu-west-1")]),
        "clusters/staging/more.yaml": for_services("more", kms=[aws_key(name="key/mrk-example")]),
        "clusters/staging/age.yaml": for_services("age", kms=[aws_key()], beside=True),
        "clusters/staging/vault.yaml": for_services(
            "vault",
            kms=[aws_key()],
            hc_vault=[{"vault_address": "https://vault.example", "engine_path": "sops", "key_name": "k"}],
        ),
    }
)
TRIGGERS = SILENT.changed(
    {
        **PRODUCTION,
        DB: for_services(kms=[aws_key()]),
        "clusters/staging/more.yaml": for_services("more", kms=[aws_key(), aws_key(name="key/other")]),
    }
)
