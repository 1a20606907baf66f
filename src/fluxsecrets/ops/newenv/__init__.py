"""A new environment made from one that is there."""
