"""From what a model hands in to a record that can be trusted: shape, schema, check, grounding.

Nothing here asks a model, opens a document or judges a value against a limit.
"""
