"""The price table: dated data, USD per million tokens, in Decimals.

A model without a known price is unpriced, never free.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from docmill.base import Frozen
from docmill.errors import Problem, SpecError
from docmill.records.results import Usage
from docmill.spec.workspace import Endpoint

MILLION = Decimal(1_000_000)
HOUR = Decimal(3600)
Usd = Annotated[Decimal, Field(ge=0)]
_DATE = re.compile(r"[-@]\d{8}$")
_CLOUD = re.compile(r"^(?:[a-z]{2,6}\.)?anthropic\.|-v\d+(?::\d+)?$")
"""What Bedrock puts around a model's name: `eu.anthropic.claude-…-v1:0`."""


class LongPrompt(Frozen):
    """A dearer tier for long prompts."""

    above: int
    """Prompt tokens, cached ones included, above which it holds for the whole call."""
    factor: Annotated[Decimal, Field(ge=1)]


class ModelPrice(Frozen):
    """USD per million tokens of one model."""

    input: Usd
    output: Usd
    cache_write: Usd | None = None
    """Kept for five minutes; 1.25 × `input` if left out."""
    cache_write_1h: Usd | None = None
    """Kept for an hour; 2 × `input` if left out."""
    cache_read: Usd | None = None
    """As `input` if left out."""
    long_prompt: LongPrompt | None = None

    @property
    def write(self) -> Decimal:
        """Price of a cache write that is kept for five minutes."""
        return Decimal("1.25") * self.input if self.cache_write is None else self.cache_write

    @property
    def write_1h(self) -> Decimal:
        """Price of a cache write that is kept for an hour."""
        return 2 * self.input if self.cache_write_1h is None else self.cache_write_1h

    @property
    def read(self) -> Decimal:
        """Price of a cache read."""
        return self.input if self.cache_read is None else self.cache_read

    @property
    def dearest_input(self) -> Decimal:
        """What an input token costs at most, whatever the cache makes of it."""
        return max(self.input, self.write, self.write_1h, self.read)

    def tier(self, prompt_tokens: int) -> Decimal:
        """Factor for a call with so long a prompt."""
        dearer = self.long_prompt is not None and prompt_tokens > self.long_prompt.above
        return self.long_prompt.factor if self.long_prompt and dearer else Decimal(1)


class PriceTable(Frozen):
    """Prices of all known models at a date."""

    as_of: date
    models: dict[str, ModelPrice]
    batch_factor: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.5")
    """What a call in a message batch costs, as a share of its price."""
    hosted_hour: Usd = Decimal(0)
    """A hosted session, per hour that it runs."""
    sandbox_hour: Usd = Decimal(0)
    """An own sandbox, per hour."""
    first_party: frozenset[str] = frozenset({"anthropic"})
    """Endpoints that bill these prices. A model of another endpoint is priced as ENDPOINT/MODEL
    only: the same name may cost something else there."""

    def price(self, model: str, *, speed: str | None = None) -> ModelPrice | None:
        """Price of `MODEL` or `ENDPOINT/MODEL`, a date in its name or not; None if unknown.

        With `speed="fast"` it is the price of `MODEL:fast`; the ordinary one may be less.
        """
        suffix = ":fast" if speed == "fast" else ""
        if found := self._listed(model, suffix):
            return found
        endpoint, slash, bare = model.partition("/")
        if not slash or endpoint not in self.first_party:
            return None
        return self._listed(bare, suffix) or self._listed(_CLOUD.sub("", bare), suffix)

    def priced(self, model: str, usage: Usage, *, speed: str | None = None) -> Usage:
        """The usage of one call, or of no call at all, with `usd` filled in.

        A call without a known price is counted in `unpriced_calls`. Sandbox time is priced whatever
        the model. A message batch is cheaper if `usage.batched_calls` says so.
        """
        calls = usage.model_calls or (1 if _tokens(usage) else 0)
        price = self.price(model, speed=speed) if calls else None
        usd = self.sandbox_hour * Decimal(str(usage.sandbox_seconds)) / HOUR
        if price is not None:
            usd += cost(price, usage) * (self.batch_factor if usage.batched_calls else 1)
        unpriced = calls if price is None else 0
        return usage.model_copy(update={"usd": usd, "unpriced_calls": unpriced})

    def worst_case(
        self,
        model: str,
        *,
        input_tokens: int,
        max_output_tokens: int,
        batch: bool = False,
        speed: str | None = None,
    ) -> Decimal | None:
        """Most that a call can cost, whatever the cache makes of its prompt; None if unpriced.

        Args:
            model: as for `price`.
            input_tokens: bound of the whole prompt, cached tokens included.
            max_output_tokens: bound of the answer, thinking included.
            batch: the call will be made in a message batch, and its usage will say so.
            speed: as for `price`.
        """
        price = self.price(model, speed=speed)
        if price is None:
            return None
        tokens = price.dearest_input * input_tokens + price.output * max_output_tokens
        factor = self.batch_factor if batch else Decimal(1)
        return tokens / MILLION * price.tier(input_tokens) * factor

    def hosted_session(self, seconds: float) -> Decimal:
        """USD of a hosted session that ran so long, beside its tokens."""
        return self.hosted_hour * Decimal(str(seconds)) / HOUR

    def _listed(self, model: str, suffix: str) -> ModelPrice | None:
        return self.models.get(model + suffix) or self.models.get(_DATE.sub("", model) + suffix)


def cost(price: ModelPrice, usage: Usage) -> Decimal:
    """USD for the tokens of one call."""
    total = (
        price.input * usage.input_tokens
        + price.output * usage.output_tokens
        + price.write * usage.cache_write_tokens
        + price.write_1h * usage.cache_write_1h_tokens
        + price.read * usage.cache_read_tokens
    ) / MILLION
    return total * price.tier(usage.prompt_tokens)


def load_prices(override: Path | None = None, *, first_party: Iterable[str] = ()) -> PriceTable:
    """The built-in table, with what an override file says on top.

    `first_party` are more endpoints that bill the prices of the models' maker.

    Raises:
        SpecError: the override file can't be read as a price table.
    """
    text = files("docmill.ledger").joinpath("prices.yaml").read_text()
    built_in = PriceTable.model_validate(_yaml(text))
    table = built_in if override is None else _with_own(built_in, override)
    return table.model_copy(update={"first_party": table.first_party | set(first_party)})


def first_party(endpoints: Mapping[str, Endpoint]) -> frozenset[str]:
    """Endpoints of docmill.yaml that bill the prices of the models' maker: its own clouds."""
    return frozenset(name for name, one in endpoints.items() if one.service != "messages")


def _tokens(usage: Usage) -> int:
    return usage.prompt_tokens + usage.output_tokens


def _with_own(built_in: PriceTable, override: Path) -> PriceTable:
    try:
        given = _yaml(override.read_text())
        own = PriceTable.model_validate(given)
    except OSError as error:
        raise _broken(override, f"can't be read: {error.strerror}") from error
    except (YAMLError, ValidationError) as error:
        raise _broken(override, f"isn't a price table: {_first(error)}") from error
    said: dict[str, Any] = {name: getattr(own, name) for name in own.model_fields_set}
    return built_in.model_copy(update=said | {"models": {**built_in.models, **own.models}})


def _first(error: YAMLError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
    return str(error).splitlines()[0]


def _yaml(text: str) -> Any:
    return cast("Any", YAML(typ="safe")).load(text)


def _broken(path: Path, message: str) -> SpecError:
    remedy = "It has `as_of: 2026-11-01` and `models: {NAME: {input: 3, output: 15}}`."
    return SpecError([Problem(str(path), 0, 0, "prices", message, remedy)])
