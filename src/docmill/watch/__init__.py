"""Watches a folder or bucket: what is dropped there becomes a batch, exactly once."""
