"""A role with a wildcard for a dashboard, `admin` for a group; a named Secret for a controller."""

from audit_tree import repository, yaml

ROLE = yaml("""
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: viewer}
    rules:
      - {apiGroups: [""], resources: [%s], verbs: [get, list]}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: viewer}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: viewer}
    subjects: [{kind: ServiceAccount, name: dashboard, namespace: apps}]
    """)
BINDING = yaml("""
    apiVersion: rbac.authorization.k8s.io/v1
    kind: RoleBinding
    metadata: {name: developers, namespace: apps}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}
    subjects: [{kind: Group, name: developers}]
    """)

SILENT = repository(
    files={
        "clusters/staging/viewer.yaml": ROLE % "pods, configmaps",
        "clusters/staging/developers.yaml": BINDING % "view",
        "clusters/staging/flux.yaml": (BINDING % "cluster-admin").replace(
            "kind: Group, name: developers", "kind: ServiceAccount, name: kustomize-controller"
        ),
    }
)
TRIGGERS = SILENT.changed(
    {
        "clusters/staging/viewer.yaml": ROLE % '"*"',
        "clusters/staging/developers.yaml": BINDING % "admin",
    }
)
