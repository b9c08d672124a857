"""Attacks, a module for each kind."""
