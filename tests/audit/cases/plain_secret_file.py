"""What a secretGenerator reads, and what its name says is a secret."""

from audit_tree import encrypted, repository, yaml

GENERATOR = yaml("""
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    secretGenerator:
      - name: generated
        files: [password.txt]
    """)
PASSWORD = encrypted("hunter2-throwaway", selector=None)

SILENT = repository(files={"apps/kustomization.yaml": GENERATOR, "apps/password.txt": PASSWORD})
TRIGGERS = SILENT.changed(
    {"apps/password.txt": "hunter2-throwaway", "apps/values.enc.env": "A=hunter2-throwaway\n"}
)
