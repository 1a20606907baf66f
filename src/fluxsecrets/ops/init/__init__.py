"""From nothing, plain text or a half-done set-up of sops to a protected repository: `init`."""
