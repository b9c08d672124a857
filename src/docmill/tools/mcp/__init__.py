"""MCP servers as tools: what they offer, called over HTTP from the host or inside the sandbox.

`servers` hands tools to a backend, `meeting` asks servers what they have before a run, `offered`
and `results` judge what they say, `client` and `inside` are the only doors to the `mcp` package.
"""
