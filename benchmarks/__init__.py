"""How fast fluxsecrets is, beside sops: `make bench`."""
