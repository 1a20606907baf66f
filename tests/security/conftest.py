"""The folder with one rule that the tests of commands use."""

from tests.cli.conftest import folder

__all__ = ["folder"]
