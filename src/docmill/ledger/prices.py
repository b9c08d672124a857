"""The price table: dated data, USD per million tokens, in Decimals."""

from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from docmill.base import Frozen
from docmill.errors import Problem, SpecError
from docmill.records.results import Usage

MILLION = Decimal(1_000_000)


class LongPrompt(Frozen):
    """A dearer tier for long prompts."""

    above: int
    """Prompt tokens, cached ones included, above which it holds for the whole call."""
    factor: Decimal


class ModelPrice(Frozen):
    """USD per million tokens of one model."""

    input: Decimal
    output: Decimal
    cache_write: Decimal
    cache_read: Decimal
    cache_write_1h: Decimal = Decimal(0)
    long_prompt: LongPrompt | None = None


class PriceTable(Frozen):
    """Prices of all known models at a date."""

    as_of: date
    models: dict[str, ModelPrice]

    def price(self, model: str) -> ModelPrice | None:
        """Price of a model by exact id, or by its id without a date suffix; None if unknown."""
        bare, _, suffix = model.rpartition("-")
        if model not in self.models and len(suffix) == 8 and suffix.isdigit():
            return self.models.get(bare)
        return self.models.get(model)

    def priced(self, model: str, usage: Usage) -> Usage:
        """The usage with `usd` filled in, or counted as unpriced."""
        price = self.price(model)
        if price is None:
            return usage.model_copy(update={"unpriced_calls": usage.model_calls})
        return usage.model_copy(update={"usd": cost(price, usage)})


def cost(price: ModelPrice, usage: Usage) -> Decimal:
    """USD for the tokens of one call."""
    total = (
        price.input * usage.input_tokens
        + price.output * usage.output_tokens
        + price.cache_write * usage.cache_write_tokens
        + price.cache_read * usage.cache_read_tokens
    ) / MILLION
    prompt = usage.input_tokens + usage.cache_write_tokens + usage.cache_read_tokens
    tier = price.long_prompt
    return total * tier.factor if tier and prompt > tier.above else total


def load_prices(override: Path | None = None) -> PriceTable:
    """The built-in table, with the models of an override file on top.

    Raises:
        SpecError: the override file can't be read as a price table.
    """
    built_in = PriceTable.model_validate(
        _yaml(files("docmill.ledger").joinpath("prices.yaml").read_text())
    )
    if override is None:
        return built_in
    try:
        own = PriceTable.model_validate(_yaml(override.read_text()))
    except OSError as error:
        raise _broken(override, f"can't be read: {error.strerror}") from error
    except (YAMLError, ValidationError) as error:
        raise _broken(override, f"isn't a price table: {str(error).splitlines()[0]}") from error
    return PriceTable(as_of=own.as_of, models={**built_in.models, **own.models})


def _yaml(text: str) -> Any:
    return cast("Any", YAML(typ="safe")).load(text)


def _broken(path: Path, message: str) -> SpecError:
    remedy = (
        "It has `as_of: 2026-11-01` and `models: {NAME: {input, output, cache_write, cache_read}}`."
    )
    return SpecError([Problem(str(path), 0, 0, "prices", message, remedy)])
