"""The generated parts of the documentation: the facts of the program, as pages of docs/."""
