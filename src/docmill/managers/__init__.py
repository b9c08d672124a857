"""How pip, npm and apt are configured on this machine: indexes, logins, proxies, certificates.

Reads variables and files; asks nobody and runs nothing. `sandboxes.building` and `egress` go by it.
"""
