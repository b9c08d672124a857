"""Environments built from packages that aren't installed here: wheels, Debian and Node packages."""
