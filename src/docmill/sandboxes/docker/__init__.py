"""Sandboxes by Docker, or whatever speaks its API: one container per session.

`backend` makes them; `engine` is the only module that imports Docker's client.
"""

from docmill.sandboxes.docker.backend import DockerBackend as DockerBackend
