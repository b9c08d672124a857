"""Content-addressed files: page layouts, page pictures, long tool results.

`store` keeps bytes under their sha256, `shared` where other machines find them; events and records
hold only the hash. Knows nothing of what
the bytes mean or which run refers to them.
"""

from docmill.blobs.shared import Shared
from docmill.blobs.store import BlobStore, Pruned

__all__ = ["BlobStore", "Pruned", "Shared"]
