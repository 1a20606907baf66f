"""Placeholders: values of the same shape as a secret's, which say nothing of it; `values` is the way in."""
