"""The command line: answers on stdout, talk on stderr, an exit code a script can use.

`app` declares the commands and imports nothing heavy; each command's work stands in a module of
its own that is imported when it is called. Decides nothing that a run depends on.
"""

from docmill.cli.app import main

__all__ = ["main"]
