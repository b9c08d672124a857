"""The embedded model: a deterministic extractor behind the same protocol as every other model.

`model` speaks the protocol, `extract` reads the pages; labels, tables, candidates and the decision
have a module each. No language model, no network, no state but caches.
"""

from docmill.models.rules.model import RulesModel

__all__ = ["RulesModel"]
