"""Everything a machine in production runs, under one foreground process: server, worker, watchers.

`supervisor` starts, restarts and stops parts, `health` says from outside how they are. Which parts
there are is the business of `cli.stack`; what they do is their own.
"""
