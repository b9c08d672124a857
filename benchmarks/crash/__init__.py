"""Runs that are killed at every moment, and what they come to: `python -m benchmarks.crash`."""
