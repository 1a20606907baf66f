"""Secrets in plain text: rules, the engine that applies them, and the sources that it reads."""
