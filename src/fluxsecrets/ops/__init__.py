"""What the commands do: each operation composes the parts below it and returns a result object."""
