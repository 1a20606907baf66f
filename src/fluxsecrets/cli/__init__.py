"""The command line: parse, call one operation, render. A command imports only what it needs."""
