"""The agent: a process of the user that keeps code loaded and keys unlocked.

It runs commands that only read. `client` is asked by every command before it imports anything else; `forms`
and `wire` say what it may ask for and how. `server` is the loop of the agent: it accepts, and hands each
request to a process of `answering`. That was forked ahead, and runs the ordinary command line with the
streams, the folder and the environment of the client. `control` answers `agent status`, `stop` and `lock`,
and takes what a command unlocked with a person's help.
"""
