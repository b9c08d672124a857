"""Judging: reference standards, tolerances, expressions, the batch as a whole, expectations.

`judge` works on one checked record, `batch` on all of them, `expectations` on the batch's table.
Everything is computed from proven values; a value without proof never passes.
"""
