"""A key of another account than the environment's others, and one of another environment's account."""

from audit_tree import aws_key, cluster, for_services, repository

DB = "clusters/staging/db.yaml"
PRODUCTION = {
    **cluster("production"),
    "clusters/production/api.yaml": for_services("api", kms=[aws_key("444455556666")], beside=True),
    "clusters/production/web.yaml": for_services("web", kms=[aws_key("444455556666")], beside=True),
}
SILENT = repository().changed(
    {
        **PRODUCTION,
        DB: for_services(kms=[aws_key()], beside=True),
        "clusters/staging/more.yaml": for_services("more", kms=[aws_key(name="key/other")], beside=True),
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/copied.yaml": for_services("copied", kms=[aws_key("444455556666")], beside=True),
        "clusters/production/job.yaml": for_services(
            "job",
            gcp_kms=[{"resource_id": "projects/old/locations/global/keyRings/r/cryptoKeys/k"}],
            beside=True,
        ),
    }
)
