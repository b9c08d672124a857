"""Debian packages as a layer (later)."""

from collections.abc import Mapping, Sequence

from docmill.sandboxes.building.layer import Layer
from docmill.sandboxes.layers import LayerStore


def layers(store: LayerStore, asked: Sequence[str], environ: Mapping[str, str]) -> list[Layer]:
    """None so far."""
    return []
