"""Gathers what a forecast rests on: the documents' sizes, earlier runs, the model's price.

`ledger.forecast` computes it. Nothing is opened or parsed here: a document no session has prepared
before is guessed by its bytes.
"""

import json
from collections.abc import Sequence
from decimal import Decimal

from docmill.batch.workbench import Ground
from docmill.ledger.forecast import Rates, Sample, Sized, by_bytes, by_text, forecast
from docmill.ledger.prices import PriceTable
from docmill.models.registry import CLAUDE, known_endpoints
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
    choice = dearest(plan.compiled, ground.prices)
    price = ground.prices.price(choice.id, speed=choice.speed)
    batched = plan.compiled.pipeline.mode == "batch"
    rates = Rates(
        price=price,
        caching=_caches(ground.loaded, choice),
        factor=ground.prices.batch_factor if batched else Decimal(1),
    )
    history = History(ground.state.engine)
    wanted = to_read(plan)
    return forecast(
        sizes(wanted, history),
        _samples(plan.compiled, history),
        prefix_tokens=prefix_tokens(plan.compiled),
        rates=rates,
    )


def is_free(ground: Ground) -> bool:
    """Whether no call of the agent's models costs anything."""
    prices = [ground.prices.price(one.id, speed=one.speed) for one in ground.compiled.agent.models]
    return all(price and price.dearest_input == price.output == 0 for price in prices)


def to_read(plan: BatchPlan) -> list[PlannedDocument]:
    """Documents that a run would read: neither finished nor copies nor unusable."""
    return [
        entry
        for entry in plan.documents
        if not (entry.code or entry.cached or entry.info.duplicate_of)
    ]


def sizes(documents: Sequence[PlannedDocument], history: History) -> list[Sized]:
    """Tokens of the documents' texts, as well as they are known without opening them."""
    texts = history.texts({entry.info.sha256 for entry in documents})
    return [_sized(texts.get(entry.info.sha256), entry.info.size) for entry in documents]


def prefix_tokens(compiled: CompiledPipeline) -> int:
    """About the tokens that every call has before the document."""
    schema = json.dumps(compiled.record_schema)
    return TOOLS_TOKENS + (len(compiled.system) + len(schema)) // CHARACTERS_PER_TOKEN


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
