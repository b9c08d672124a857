"""`python -m docmill.cli`: the command `docmill` without its script."""

from docmill.cli import main

main()
