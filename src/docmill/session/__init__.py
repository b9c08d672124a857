"""One document × one agent: sandbox, preparation, backend, journal, limits, record.

`run` is the line through it, `journal` stores each event before the next step, `document` gets the
pages out of the sandbox, `gate` answers `submit_record`. Batches and verdicts are decided above.
"""
