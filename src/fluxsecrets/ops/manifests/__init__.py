"""Kubernetes manifests as operations see them: environments, names and namespaces, comments, references.

It knows nothing of encryption. Sealing, converting and the commands that list environments call it.
"""
