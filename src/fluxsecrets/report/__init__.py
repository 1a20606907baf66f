"""Results as text and JSON: what is shown was decided before."""
