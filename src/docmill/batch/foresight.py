"""Gathers what a forecast rests on: the documents' sizes, earlier runs, the model's price.

`ledger.forecast` computes it. Nothing is opened or parsed here: a document no session has prepared
before is guessed by its bytes.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal

from docmill.batch.workbench import Ground
from docmill.ledger.forecast import Rates, Sample, Sized, by_bytes, by_text, forecast
from docmill.ledger.prices import PriceTable
from docmill.models.registry import CLAUDE, known_endpoints
from docmill.output.schema import record_schema
from docmill.output.telling import with_fields
from docmill.plan import BatchPlan, CompiledPipeline, PlannedDocument
from docmill.records.forecast import Forecast
from docmill.spec.agent import ModelChoice
from docmill.spec.load import LoadedWorkspace
from docmill.store.history import History, Text

CHARACTERS_PER_TOKEN = 4
TOOLS_TOKENS = 1_500
"""The built-in tools, as the model is told of them."""
FEW = 3
"""With fewer documents of the pipeline, those of others that use the same model count too."""


def foresee(ground: Ground, plan: BatchPlan) -> Forecast:
    """What a run of the plan will take."""
    return _Foresight(ground, plan.compiled).of(to_read(plan))


def foresee_kinds(
    ground: Ground, plan: BatchPlan, kinds: Mapping[str, Sequence[PlannedDocument]]
) -> dict[str, Forecast]:
    """What the documents of each kind will take; kinds that nobody has to read are left out."""
    foresight = _Foresight(ground, plan.compiled)
    wanted = {one.info.id for one in to_read(plan)}
    read = {kind: [one for one in some if one.info.id in wanted] for kind, some in kinds.items()}
    return {kind: foresight.of(some) for kind, some in read.items() if some}


class _Foresight:
    """What is known of the model's price and of earlier runs, read once."""

    def __init__(self, ground: Ground, compiled: CompiledPipeline) -> None:
        self._compiled = compiled
        self._history = History(ground.state.engine)
        self._samples = _samples(compiled, self._history)
        self._rates = _rates(ground, compiled)

    def of(self, documents: Sequence[PlannedDocument]) -> Forecast:
        return forecast(
            sizes(self._compiled, documents, self._history),
            self._samples,
            prefix_tokens=prefix_tokens(self._compiled),
            rates=self._rates,
        )


def _rates(ground: Ground, compiled: CompiledPipeline) -> Rates:
    choice = dearest(compiled, ground.prices)
    price = ground.prices.price(choice.id, speed=choice.speed)
    batched = compiled.pipeline.mode == "batch"
    return Rates(
        price=price,
        caching=_caches(ground.loaded, choice),
        factor=ground.prices.batch_factor if batched else Decimal(1),
    )


def is_free(ground: Ground) -> bool:
    """Whether no call of the agent's models costs anything."""
    prices = [ground.prices.price(one.id, speed=one.speed) for one in ground.compiled.agent.models]
    return all(price and price.dearest_input == price.output == 0 for price in prices)


def to_read(plan: BatchPlan) -> list[PlannedDocument]:
    """Documents that a model would be asked about: neither finished nor copies nor unusable."""
    return [
        entry
        for entry in plan.documents
        if not (entry.code or entry.cached or entry.info.duplicate_of)
        and (entry.reuse is None or entry.reuse.asked)
    ]


def sizes(
    compiled: CompiledPipeline, documents: Sequence[PlannedDocument], history: History
) -> list[Sized]:
    """Tokens of the documents' texts, as well as they are known without opening them, and of what
    is asked of each."""
    texts = history.texts({entry.info.sha256 for entry in documents})
    parts = {entry.reuse.asked for entry in documents if entry.reuse is not None}
    prefixes = {asked: prefix_tokens(compiled, asked) for asked in parts}
    found: list[Sized] = []
    for entry in documents:
        size = _sized(texts.get(entry.info.sha256), entry.info.size)
        if entry.reuse is not None:
            asked = entry.reuse.asked
            share = len(asked) / len(compiled.fields)
            size = size._replace(prefix=prefixes[asked], share=share)
        found.append(size)
    return found


def prefix_tokens(compiled: CompiledPipeline, asked: Sequence[str] | None = None) -> int:
    """About the tokens that every call has before the document; `asked`: some fields only."""
    system, schema = compiled.system, compiled.record_schema
    if asked is not None:
        fields = {name: compiled.fields[name] for name in asked}
        system, schema = with_fields(compiled.preamble, fields), record_schema(fields)
    return TOOLS_TOKENS + (len(system) + len(json.dumps(schema))) // CHARACTERS_PER_TOKEN


def dearest(compiled: CompiledPipeline, prices: PriceTable) -> ModelChoice:
    """The model of the agent that costs most; one without a price before all others."""

    def cost(choice: ModelChoice) -> tuple[bool, float]:
        price = prices.price(choice.id, speed=choice.speed)
        return (price is None, float(price.output) if price else 0.0)

    return max(compiled.agent.models, key=cost)


def _samples(compiled: CompiledPipeline, history: History) -> list[Sample]:
    model = compiled.agent.model_id
    past = history.past(model=model, pipeline=compiled.pipeline.name)
    if len(past) < FEW:
        past = history.past(model=model)
    return [Sample(_sized(one.text, one.size).tokens, one.usage) for one in past]


def _sized(text: Text | None, size: int) -> Sized:
    return by_bytes(size) if text is None else by_text(words=text.words, pages=text.pages)


def _caches(loaded: LoadedWorkspace, choice: ModelChoice) -> bool:
    name, slash, _ = choice.id.partition("/")
    endpoints = known_endpoints(loaded.workspace.config.endpoints)
    endpoint = endpoints.get(name if slash else CLAUDE)
    return endpoint is not None and endpoint.capabilities.caching
