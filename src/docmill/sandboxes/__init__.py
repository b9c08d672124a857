"""Sandboxes: start one, call its toolbox, move files, stop it. Knows nothing of agents or records."""
