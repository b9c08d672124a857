"""Names of models → models; the only place that knows which there are, and opens them.

Endpoints, their keys and what they are capable of are settled here; the SDK is imported only when a
model needs it.
"""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from docmill.errors import PrerequisiteError
from docmill.models.base import Model
from docmill.models.rates import Clock, Gate, LoopClock, PauseListener, Sharing
from docmill.models.rounds import Roster
from docmill.models.rules import RulesModel
from docmill.spec.agent import EMBEDDED, ModelChoice
from docmill.spec.workspace import Capabilities, Endpoint
from docmill.store.batches import BatchLog

if TYPE_CHECKING:
    from docmill.models.batcher import Batcher
    from docmill.models.batching import BatchListener
    from docmill.models.messages.failures import Failures
    from docmill.models.messages.model import Connection

CLAUDE = "anthropic"
"""Name of the built-in endpoint; docmill.yaml may change any of its keys."""
BUILT_IN = Endpoint(
    base_url="https://api.anthropic.com",
    api_key_env="ANTHROPIC_API_KEY",
    # Its compiled grammars refuse schemas as large as those of records, so it has the tool instead.
    capabilities=Capabilities(
        caching=True, count_tokens=True, images=True, documents=True, batches=True, thinking=True
    ),
)


class Place(NamedTuple):
    """Where a model is asked, and by which name."""

    endpoint: str
    model: str


class Models:
    """The models of a run, with one client and one gate per endpoint among them.

    Opening sends nothing; it raises what would make every call fail. Close it in the event loop
    the models were asked in.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint] | None = None,
        *,
        secrets: Callable[[str], str | None] = lambda name: None,
        blobs: Callable[[str], bytes] | None = None,
        listener: PauseListener | None = None,
        batch_listener: "BatchListener | None" = None,
        clock: Clock | None = None,
        shared: Sharing | None = None,
    ) -> None:
        self._endpoints = known_endpoints(endpoints or {})
        self._secrets = secrets
        self._blobs = blobs or _no_blobs
        self._listener = listener
        self._batch_listener = batch_listener
        self._clock = clock or LoopClock()
        self._shared = shared
        self._connections: dict[str, Connection] = {}
        self._batchers: dict[str, Batcher] = {}
        self.roster = Roster()
        """Sessions at work, for which message batches wait."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections; models opened here can't be asked any more.

        Message batches go on at their endpoints.
        """
        for batcher in self._batchers.values():
            await batcher.aclose()
        connections, self._connections = self._connections, {}
        for connection in connections.values():
            await connection.client.aclose()

    def open(self, choice: ModelChoice) -> Model:
        """The model of an agent spec.

        Raises:
            PrerequisiteError: nothing here answers to that name, or the endpoint lacks a key, a
                package or a capability the choice wants.
        """
        if choice.id == EMBEDDED:
            return RulesModel()
        name, model = self.place(choice.id)
        endpoint = self._endpoints[name]
        if choice.effort is not None and not endpoint.capabilities.thinking:
            raise PrerequisiteError(
                f"The model `{choice.id}` has an `effort`, but its endpoint isn't said to think.",
                remedy=f"Write `thinking: true` in endpoints.{name}.capabilities of docmill.yaml, "
                "or remove `effort` from the agent spec.",
            )
        from docmill.models.messages.model import MessagesModel

        return MessagesModel(model, choice, self.connection(choice), self._failures(choice))

    def open_batched(
        self, choice: ModelChoice, log: BatchLog, *, outage_seconds: float = 3600.0
    ) -> Model:
        """The same, asked in message batches; `rules` needs none and answers at once.

        Raises:
            PrerequisiteError: as `open`, or the endpoint has no message batches.
        """
        model = self.open(choice)
        endpoint = self.endpoint(choice.id)
        if endpoint is None:
            return model
        from docmill.models.batcher import Batcher
        from docmill.models.batching import BatchedModel
        from docmill.models.messages.batches import MessageBatches, check_batches
        from docmill.models.messages.model import MessagesModel

        assert isinstance(model, MessagesModel)
        name = self.place(choice.id).endpoint
        check_batches(name, endpoint, choice)
        if name not in self._batchers:
            self._batchers[name] = Batcher(
                name,
                MessageBatches(self.connection(choice).client, self._failures(choice)),
                log,
                roster=self.roster,
                outage_seconds=outage_seconds,
                listener=self._batch_listener,
                clock=self._clock,
            )
        return BatchedModel(model, self._batchers[name])

    @property
    def batches_under_way(self) -> int:
        """Message batches whose results haven't come yet."""
        return sum(len(batcher.under_way) for batcher in self._batchers.values())

    def _failures(self, choice: ModelChoice) -> "Failures":
        from docmill.models.messages.failures import Failures

        name, model = self.place(choice.id)
        endpoint, connection = self._endpoints[name], self.connection(choice)
        return Failures(
            endpoint=name,
            model=model,
            base_url=connection.client.base_url,
            stall_seconds=endpoint.stall_seconds,
            key_remedy=_key_remedy(name, endpoint),
            scrub=_scrubber(self._key(name, endpoint)),
        )

    def connection(self, choice: ModelChoice) -> "Connection":
        """What all models of the choice's endpoint share: client, gate, endpoint as settled.

        Raises:
            PrerequisiteError: as `open`; `rules` has none.
        """
        name = self.place(choice.id).endpoint
        if name not in self._connections:
            endpoint = self._endpoints[name]
            _check_address(name, endpoint)
            self._connections[name] = self._connect(name, endpoint, self._key(name, endpoint))
        return self._connections[name]

    def endpoint(self, model_id: str) -> Endpoint | None:
        """The endpoint of a model as settled; None for `rules`.

        Raises:
            PrerequisiteError: nothing here answers to that name.
        """
        return None if model_id == EMBEDDED else self._endpoints[self.place(model_id).endpoint]

    def _connect(self, name: str, endpoint: Endpoint, key: str | None) -> "Connection":
        from docmill.models.messages.client import Client
        from docmill.models.messages.model import Connection
        from docmill.models.messages.warming import Warming

        return Connection(
            endpoint=endpoint,
            client=Client(name, endpoint, key=key),
            gate=Gate(
                name,
                endpoint.rates,
                clock=self._clock,
                listener=self._listener,
                shared=self._shared,
            ),
            warming=Warming(self._clock.time),
            clock=self._clock,
            blobs=self._blobs,
        )

    def place(self, model_id: str) -> Place:
        """Where a model that isn't `rules` is asked.

        Raises:
            PrerequisiteError: nothing here answers to that name.
        """
        name, slash, model = model_id.partition("/")
        if not slash and model_id.startswith("claude-"):
            return Place(CLAUDE, model_id)
        if slash and model and name in self._endpoints:
            return Place(name, model)
        raise _unknown(model_id, sorted(self._endpoints))

    def _key(self, name: str, endpoint: Endpoint) -> str | None:
        if endpoint.api_key_env is not None:
            key = (self._secrets(endpoint.api_key_env) or "").strip()
            missing = f"The variable {endpoint.api_key_env} isn't set"
        elif endpoint.api_key_file is not None:
            path = Path(endpoint.api_key_file).expanduser()
            key = _file_key(path)
            missing = f"The file {path} can't be read or is empty"
        else:
            return None
        if not key:
            raise PrerequisiteError(
                f"{missing}; it holds the key of the endpoint `{name}`.",
                remedy=_key_remedy(name, endpoint),
            )
        return key


def known_endpoints(declared: Mapping[str, Endpoint]) -> dict[str, Endpoint]:
    """The endpoints of docmill.yaml and the built-in one, each key of which it may override."""
    own = declared.get(CLAUDE)
    if own is None:
        return {CLAUDE: BUILT_IN, **declared}
    changed = {key: getattr(own, key) for key in own.model_fields_set}
    if "capabilities" in changed:
        said = {key: getattr(own.capabilities, key) for key in own.capabilities.model_fields_set}
        changed["capabilities"] = BUILT_IN.capabilities.model_copy(update=said)
    return {**declared, CLAUDE: BUILT_IN.model_copy(update=changed)}


def _check_address(name: str, endpoint: Endpoint) -> None:
    """A key must never go to an address that nobody wrote down."""
    url = endpoint.base_url
    if url is None and endpoint.service != "messages":
        return
    if url is None or not url.startswith(("http://", "https://")):
        raise PrerequisiteError(
            f"The endpoint `{name}` has no address" + (f" but `{url}`." if url else "."),
            remedy=f"Write `base_url: http://…` for endpoints.{name} in docmill.yaml.",
        )


def _file_key(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _key_remedy(name: str, endpoint: Endpoint) -> str:
    if endpoint.api_key_env is not None:
        return f"Set it: export {endpoint.api_key_env}=…"
    if endpoint.api_key_file is not None:
        return f"Write the key into {endpoint.api_key_file}."
    if endpoint.service == "bedrock":
        return "Log in to AWS (aws sso login), or name a key: `api_key_env` of the endpoint."
    if endpoint.service == "vertex":
        return "Log in to Google Cloud: gcloud auth application-default login"
    return f"Name the key's variable: `api_key_env` of endpoints.{name} in docmill.yaml."


def _scrubber(key: str | None) -> Callable[[str], str]:
    def scrub(text: str) -> str:
        return text.replace(key, "[key]") if key else text

    return scrub


def _unknown(model_id: str, endpoints: list[str]) -> PrerequisiteError:
    name = model_id.partition("/")[0]
    near = difflib.get_close_matches(name, [*endpoints, EMBEDDED], n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return PrerequisiteError(
        f"Nothing here answers to the model `{model_id}`.{hint} "
        f"(endpoints: {', '.join(endpoints)}; embedded: rules)",
        remedy="Set `model` in the agent spec to `rules`, `claude-…`, or ENDPOINT/MODEL with an "
        "endpoint of docmill.yaml.",
    )


def _no_blobs(sha256: str) -> bytes:
    raise PrerequisiteError(f"The blob {sha256} is asked for where there is no blob store.")
