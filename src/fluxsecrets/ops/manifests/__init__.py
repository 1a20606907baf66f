"""Kubernetes manifests for operations: environments, names and namespaces, comments, references.

This room does not know about encryption. Sealing, converting and the commands that list environments call it.
"""
