"""The folder with one rule that the tests of commands use."""

from tests.cli.conftest import encrypted, folder

__all__ = ["encrypted", "folder"]
