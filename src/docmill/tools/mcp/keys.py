"""The vault's credentials at MCP servers: each goes to its own hosts, and comes back from none."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from docmill.egress.credentials import Credential, Redactor
from docmill.egress.hosts import Authority, plain_host
from docmill.tools.mcp.base import Peer, Raw, ServerError

PORTS = {"http": 80, "https": 443}


class Keys:
    """What a run has for its servers; its representation shows no secret."""

    def __init__(self, credentials: Sequence[Credential] = ()) -> None:
        self._credentials = tuple(credentials)

    def headers(self, url: str) -> dict[str, str]:
        """What requests to a server carry."""
        return {each.header: each.value for each in self._for(url)}

    def guarded(self, peer: Peer, url: str) -> Peer:
        """A server whose answers can't repeat a secret to the model."""
        secrets = [each.secret for each in self._for(url)]
        return _Guarded(peer, Redactor(secrets)) if secrets else peer

    def _for(self, url: str) -> list[Credential]:
        parts = urlsplit(url)
        authority = Authority(plain_host(parts.hostname or ""), parts.port or PORTS[parts.scheme])
        return [each for each in self._credentials if each.is_for(authority)]


class _Guarded:
    """Blots secrets out of what a server says."""

    def __init__(self, peer: Peer, redactor: Redactor) -> None:
        self._peer = peer
        self._redactor = redactor

    async def tools(self) -> Sequence[Raw]:
        """What it lists."""
        try:
            return [self._clean(tool) for tool in await self._peer.tools()]
        except ServerError as error:
            raise self._told(error) from None

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Raw:
        """Its answer to a call."""
        try:
            return self._clean(await self._peer.call(name, arguments))
        except ServerError as error:
            raise self._told(error) from None

    def _clean(self, said: Any) -> Any:
        return json.loads(self._redactor.clean(json.dumps(said).encode("ascii")))

    def _told(self, error: ServerError) -> ServerError:
        clean = self._redactor.clean(str(error).encode("utf-8", "replace"))
        return ServerError(clean.decode("utf-8", "replace"), gone=error.gone, unheard=error.unheard)
