"""The only way out of a sandbox: a broker on the host that knows hosts, addresses and secrets."""
