"""Sizes as people write them: `512MiB`, `1.5 GB`."""

import re

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "k": 2**10,
    "m": 2**20,
    "g": 2**30,
    "t": 2**40,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}
_SIZE = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([A-Za-z]{0,3})\s*\Z")


def parse_size(text: str) -> int:
    """Bytes of a size; `k`, `m`, `g` alone count in 1024s as memory limits do.

    Raises:
        ValueError: it isn't a size, or less than one byte; the message says what one looks like.
    """
    match = _SIZE.match(text)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError(f"`{text}` is not a size; write a number with a unit, such as 512MiB")
    size = int(float(match[1]) * _UNITS[match[2].lower()])
    if size < 1:
        raise ValueError(f"`{text}` is less than one byte")
    return size
