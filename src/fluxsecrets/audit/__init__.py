"""The audit: what is wrong with a repository's secrets. Facts in, findings out; nothing is read or printed."""
