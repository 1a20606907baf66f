"""What a security officer asks of a repository, in one result: findings, access, environments, lifetimes."""
