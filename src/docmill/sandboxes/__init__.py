"""Sandboxes: start one, call its toolbox, move files, stop it. Knows nothing of agents."""

from docmill.sandboxes.opening import open_backend

__all__ = ["open_backend"]
