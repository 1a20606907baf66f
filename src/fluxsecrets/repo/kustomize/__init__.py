"""What kustomize makes of a folder, and what it refuses; `build.Builder` is the way in."""
