"""`python -m docmill`: the command line, for whoever knows the interpreter but not its scripts."""

from docmill.cli import main

if __name__ == "__main__":
    main()
