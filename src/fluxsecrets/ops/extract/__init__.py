"""Take literal values out of manifests: into encrypted Secrets, with references in their place.

`extract.py` is the operation. A kind of manifest is a file in `places`.
"""
