"""Runs inside: asks the pages of packages for the places their files lie at; writes these as JSON.

Standard library only, no import of docmill: mounted as a file and run by a bare Python. `pages` is
its other half on the outside.
"""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MOST = 128 * 1024 * 1024
_SECONDS = 30
_ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.npm.install-v1+json;q=0.9, "
    "text/html;q=0.5, */*;q=0.1"
)


class _Links(HTMLParser):
    """The links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a link leads to."""
        address = dict(attrs).get("href") or ""
        if tag == "a" and address:
            self.found.append(address)
        elif tag == "base":
            self.base = self.base or address


def places(address: str, body: bytes) -> set[str]:
    """`scheme://host:port` as written in each link to a file, on the page at an address."""
    text = body.decode("utf-8", "replace")
    base, links = address, list[str]()
    try:
        links = list(_of_json(json.loads(text)))
    except ValueError:
        page = _Links()
        page.feed(text)
        base, links = urljoin(address, page.base), page.found
    found: set[str] = set()
    for link in links:
        try:
            parts = urlsplit(urljoin(base, link))
        except ValueError:
            continue
        if parts.scheme in ("http", "https"):
            found.add(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    return found


def _of_json(data: dict[str, Any]) -> Iterator[str]:
    """The files of a page of a Python index, or of all versions of a Node package."""
    files: list[dict[str, Any]] = data.get("files") or []
    versions: dict[str, dict[str, Any]] = {} if files else data.get("versions") or {}
    for file in files:
        yield str(file.get("url") or "")
    for version in versions.values():
        dist: dict[str, Any] = version.get("dist") or {}
        yield str(dist.get("tarball") or "")


def main(pages: list[str]) -> None:
    """Write, for each page that can be had, the places it links to."""
    told: dict[str, list[str]] = {}
    for page in pages:
        try:
            request = Request(page, headers={"Accept": _ACCEPT})  # noqa: S310  # as configured
            with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                told[page] = sorted(places(answer.url, answer.read(_MOST)))
        except (URLError, OSError, ValueError, TypeError, AttributeError):
            continue  # the package manager tells what is wrong with it
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
