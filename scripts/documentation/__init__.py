"""The generated parts of the documentation: what the program says of itself, as pages of docs/."""
