"""A Secret that no object names; a name that stands as text in an unknown kind is a use."""

from audit_tree import encrypted, repository, secret, yaml

UNKNOWN = yaml("""
    apiVersion: example.waddle/v1
    kind: Robot
    metadata: {name: robot, namespace: apps}
    spec: {credentials: more}
    """)

TRIGGERS = repository(files={"clusters/staging/more.yaml": encrypted(secret("more"))})
SILENT = TRIGGERS.changed({"clusters/staging/robot.yaml": UNKNOWN})
