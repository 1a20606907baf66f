"""A server for agents, over standard input and output: the Model Context Protocol.

Agents edit GitOps repositories, and read whatever is in them. So a tool never returns a value or a private
key, whatever it is asked, and text of the repository is marked as data. A tool is a file in `tools`.
`calls.call` runs one and knows nothing of the protocol; `server` alone imports the package `mcp`.
"""
