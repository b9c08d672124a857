"""The only way out of a sandbox: a broker on the host that knows hosts, addresses and secrets.

`broker` accepts what comes through a sandbox's door, `exchange` reads one request, `forward` and
`tunnel` carry it out; `policy` decides, `addresses` resolves, `vault` finds secrets.
"""
