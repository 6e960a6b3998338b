"""Tools of servers that speak MCP: who they are, how they are called, and the loop of an answer
that uses them.

The rule: a call is stored before it is sent and is never sent twice. Without `[tools.NAME]` in
tornado-stream.toml nothing of this package runs.
"""
