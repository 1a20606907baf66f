"""The repository: what git tracks, what Flux reads, which environments there are, what is a secret."""
