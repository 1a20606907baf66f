"""The services of others: one file per cloud for credentials, clients and errors, and how calls are made.

Credentials come from the user's environment, never from a file of the repository. They are sent only to
addresses that the environment or the configuration names.
"""
