"""What kustomize-controller does with what is built, and what becomes of each Kustomization."""
