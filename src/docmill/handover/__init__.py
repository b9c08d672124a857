"""Hands a run's results over: as CSV and Parquet to a folder or bucket, as rows to a database.

What stands in them is read from the stored run; nothing is judged or found here.
"""
