"""Tells people and programs that a run has ended: webhooks, and messages by blocks of Prefect.

Also says it as data, for Prefect's events. What is told is read from the stored run.
"""
