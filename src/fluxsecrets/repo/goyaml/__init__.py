"""YAML as go-yaml v2 writes and reads it, through sigs.k8s.io/yaml.

Substitution works on this text, so that what a value becomes depends on how the text around it is written.
`resolve.py` says what a plain scalar is (YAML 1.1), `emit.py` writes an object, `read.py` reads it back.
"""

from .emit import emit
from .read import read
from .resolve import resolve

__all__ = ["emit", "read", "resolve"]
