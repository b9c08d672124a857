"""Prices are data: dated, per million tokens, exact."""

from decimal import Decimal
from pathlib import Path

import pytest

from docmill.errors import SpecError
from docmill.ledger.prices import first_party, load_prices
from docmill.records.results import Usage
from docmill.spec.workspace import Endpoint


def test_each_kind_of_token_has_its_own_price() -> None:
    """Input, output, cache writes and cache reads are priced apart, without binary floats."""
    usage = Usage(
        model_calls=1,
        input_tokens=1_000_000,
        output_tokens=100_000,
        cache_write_tokens=10_000,
        cache_read_tokens=10_000_000,
    )
    priced = load_prices().priced("claude-sonnet-5-5", usage)
    assert priced.usd == Decimal("2") + Decimal("1") + Decimal("0.025") + Decimal("1")


def test_long_prompts_can_be_dearer() -> None:
    """Above the tier's threshold the whole call costs the factor, cached tokens counted in."""
    table = load_prices()
    short = table.priced("claude-haiku-5-5", Usage(model_calls=1, input_tokens=100_000))
    long = table.priced(
        "claude-haiku-5-5", Usage(model_calls=1, input_tokens=100_000, cache_read_tokens=1)
    )
    assert short.usd == Decimal("0.01")
    assert long.usd > 5 * short.usd


def test_an_unknown_model_is_unpriced_never_free() -> None:
    """Its calls are counted apart from the dollars."""
    priced = load_prices().priced("somebody/else", Usage(model_calls=1, input_tokens=5))
    assert (priced.usd, priced.unpriced_calls) == (0, 1)


def test_a_dated_model_id_has_the_price_of_the_model() -> None:
    """`claude-haiku-4-5-20251001` is `claude-haiku-4-5`."""
    table = load_prices()
    assert table.price("claude-haiku-4-5-20251001") == table.price("claude-haiku-4-5")


def test_the_embedded_model_costs_nothing() -> None:
    """Its tokens are counted at price 0."""
    priced = load_prices().priced("rules", Usage(model_calls=1, input_tokens=999))
    assert (priced.usd, priced.unpriced_calls) == (0, 0)


def test_a_batch_costs_half_and_an_hour_in_the_cache_more() -> None:
    """Cache writes of both kinds are priced apart; the discount holds for the whole call."""
    usage = Usage(model_calls=1, cache_write_tokens=100_000, cache_write_1h_tokens=100_000)
    table = load_prices()
    assert table.priced("claude-opus-5-5", usage).usd == Decimal("0.5") + Decimal("0.8")
    batched = usage.model_copy(update={"batched_calls": 1})
    assert table.priced("claude-opus-5-5", batched).usd == Decimal("0.65")


def test_a_failed_attempt_is_priced_as_far_as_the_endpoint_counted() -> None:
    """One that never reached it is neither dear nor unpriced."""
    table = load_prices()
    cut = Usage(failed_calls=1, input_tokens=1_000_000)
    assert table.priced("claude-opus-5-5", cut).usd == 4
    assert table.priced("somebody/else", cut).unpriced_calls == 1
    assert table.priced("somebody/else", Usage(failed_calls=1)).unpriced_calls == 0


@pytest.mark.parametrize(
    "model",
    [
        "anthropic/claude-sonnet-4-5",
        "cloud/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "cloud/claude-sonnet-4-5@20250929",
    ],
)
def test_the_makers_own_endpoints_bill_its_prices(model: str) -> None:
    """The built-in endpoint, and Bedrock and Vertex with their own ways to write a name."""
    endpoints = {"cloud": Endpoint(service="bedrock"), "local": Endpoint(base_url="http://x")}
    table = load_prices(first_party=first_party(endpoints))
    assert table.price(model) == table.price("claude-sonnet-4-5")


def test_a_foreign_endpoint_is_unpriced_whatever_its_models_are_called(tmp_path: Path) -> None:
    """Unless the workspace's own table has it as ENDPOINT/MODEL; 0 is a price too."""
    assert load_prices().price("gateway/claude-sonnet-4-5") is None
    own = tmp_path / "prices.yaml"
    own.write_text("as_of: 2026-11-20\nmodels:\n  gateway/qwen3:8b: {input: 0, output: 0}\n")
    priced = load_prices(own).priced("gateway/qwen3:8b", Usage(model_calls=1, input_tokens=9))
    assert (priced.usd, priced.unpriced_calls) == (0, 0)


def test_fast_answers_have_a_price_of_their_own_or_none() -> None:
    """The ordinary price may be less than what they cost."""
    table = load_prices()
    assert table.price("claude-opus-5-5", speed="standard") is not None
    assert table.price("claude-opus-5-5", speed="fast") is None


def test_time_has_a_price_too(tmp_path: Path) -> None:
    """Own sandboxes cost what the workspace says, hosted sessions what the service does."""
    own = tmp_path / "prices.yaml"
    own.write_text("as_of: 2026-11-20\nmodels: {}\nsandbox_hour: 0.36\n")
    priced = load_prices(own).priced("", Usage(sandbox_seconds=50.0, tool_calls=1))
    assert (priced.usd, priced.unpriced_calls) == (Decimal("0.005"), 0)
    assert load_prices().hosted_session(1800) == Decimal("0.04")


def test_an_override_file_adds_models(tmp_path: Path) -> None:
    """Own prices come on top of the built-in ones."""
    own = tmp_path / "prices.yaml"
    own.write_text(
        "as_of: 2026-11-20\n"
        "models: {local/qwen: {input: 0.5, output: 1, cache_write: 0, cache_read: 0}}\n"
    )
    table = load_prices(own)
    usage = Usage(model_calls=1, input_tokens=2_000_000)
    assert table.priced("local/qwen", usage).usd == Decimal("1.0")
    assert table.price("rules") is not None


@pytest.mark.parametrize("text", ["models: [", "models: {x: {input: 1}}", "- 1"])
def test_a_broken_override_names_its_file(tmp_path: Path, text: str) -> None:
    """A price table that can't be read stops before anything is spent."""
    own = tmp_path / "prices.yaml"
    own.write_text(text)
    with pytest.raises(SpecError, match=r"prices\.yaml.*price table"):
        load_prices(own)
