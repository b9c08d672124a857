"""The store: runs, documents, sessions and their events, in one SQL database.

Everything a report says comes from here. `schema` has the tables, `database` opens them, `runs`,
`sessions` and `reader` are the verbs. It computes no prices and judges no values.
"""
