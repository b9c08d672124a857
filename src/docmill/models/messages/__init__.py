"""Models behind a Messages API: Claude, and every server that speaks its protocol.

The only place that imports the `anthropic` SDK, and only once such a model is opened. How fast an
endpoint may be asked is the business of `rates`; what a call costs, of the ledger.
"""
