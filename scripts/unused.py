"""What `vulture` takes for dead code and is not, each with what uses it. `make lint` reads this file."""

# ruff: noqa: B018, F821

# A protocol calls these: Python's for modules, classes and callables, click's for groups and commands.
__getattr__
__call__
__class_getitem__
__doc__
list_commands
get_command
format_commands
format_options
allow_interspersed_args
value_from_envvar
max_redirections  # urllib.request.HTTPRedirectHandler
path_stats  # of loaders of modules
get_data

# The drop-in's table of commands names these as text, so that none is imported before it runs.
run_set
run_unset
run_env
run_file
publish
keyservice
completion

# Options and buffers of RE2 and hyperscan, which read them in C or need them to stay alive.
log_errors
max_mem
_database
scratch

# Fields of named tuples that are compared as a whole.
inode
mtime_ns

# Members that an option or a rule's text chooses by value.
KEEP
UNENCRYPTED_REGEX

# Read outside of the package: by scripts/documentation, and by the tests that try each rule's samples.
heading
positives
sample
negatives

# What discovery found out about a file; only its tests ask so far.
encrypted_at_head

# Read by the templates of the HTML report.
ticks
bar
by_severity
matrix_notes
keys_axis
people_axis
certificates_axis
overdue
latest
few_keys
keys

# Read by `make docs`.
FACTS
newer_fields
