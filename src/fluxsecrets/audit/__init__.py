"""The audit: what is wrong with a repository's secrets. Facts in, findings out, and nothing printed."""
