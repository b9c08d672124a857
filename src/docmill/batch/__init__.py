"""A run put together: the one place that turns the names of a plan into objects.

`bench` opens store, sandbox, model and tools; `job` is what the flow carries out step by step;
`status` decides how a document ended. Prefect is the business of `flow`.
"""
