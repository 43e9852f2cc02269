"""The MCP server for developers: every operation of the API as a tool, at /mcp, with a key or after sign-in.

One request, one answer: no process remembers anything between two, so any web process answers any of them.
"""
