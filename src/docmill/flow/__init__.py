"""A run as a Prefect flow, and the local Prefect server that shows it.

`job` is the seam to sessions, store and reports; `runner`, in a process of its own, and `daemon`
are the only modules here that import prefect. What is done, what it cost and what it said is in
docmill's own store, never here.
"""
