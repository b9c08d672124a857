"""`docmill doctor --model NAME`: what an endpoint can do, found out by asking it, for money.

Neighbours: `models.messages.probe` makes the calls; here they are priced and shown.
"""

import asyncio
from dataclasses import dataclass

from docmill.cli.console import put, put_json, talk
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.errors import PrerequisiteError
from docmill.ledger.prices import first_party, load_prices
from docmill.models.base import AttemptError
from docmill.models.messages.model import MessagesModel
from docmill.models.messages.probe import Found, Trial, probe
from docmill.models.registry import CLAUDE, Models, Place
from docmill.records.results import Usage
from docmill.report.display import count, usd_text
from docmill.settings import Settings, load_settings
from docmill.spec.agent import EMBEDDED, ModelChoice
from docmill.spec.load import LoadedWorkspace
from docmill.spec.workspace import Endpoint

BY_CHOICE = ("json_schema", "strict_tools")
"""Capabilities that may work on a small schema and not on that of a record."""


@dataclass(frozen=True, slots=True)
class _Looked:
    place: Place
    endpoint: Endpoint
    found: Found
    usage: Usage


def probe_model(name: str, *, json: bool) -> None:
    """Ask the model; exits with 3 if it can't be asked or calls no tools.

    Raises:
        PrerequisiteError: no such model, no key, or the endpoint doesn't answer.
    """
    if name == EMBEDDED:
        talk("`rules` is embedded: there is nothing to reach, to pay or to configure.")
        return
    looked = _look(name, *_settled())
    if json:
        _put_json(looked)
    else:
        _print(looked)
    lacking = [trial.found for trial in looked.found.trials if _needed(trial) and not trial.works]
    if lacking:
        raise PrerequisiteError(
            f"`{name}` can't work as an agent: it {lacking[0]}.",
            remedy="Choose a model that calls tools, or turn tool calls on at the server.",
        )


def _settled() -> tuple[LoadedWorkspace | None, Settings]:
    try:
        return here()
    except PrerequisiteError:
        return None, load_settings()


def _look(name: str, loaded: LoadedWorkspace | None, settings: Settings) -> _Looked:
    endpoints = loaded.workspace.config.endpoints if loaded else {}
    models = Models(endpoints, secrets=settings.secret)
    choice = ModelChoice(id=name)
    place = models.place(name)
    model = models.open(choice)
    assert isinstance(model, MessagesModel)
    found = asyncio.run(_asked(models, model))
    own = loaded.workspace.config.prices if loaded else None
    prices = load_prices(
        loaded.root / own if loaded and own else None, first_party=first_party(endpoints)
    )
    usage = prices.priced(name, found.usage)
    return _Looked(place, models.connection(choice).endpoint, found, usage)


async def _asked(models: Models, model: MessagesModel) -> Found:
    async with models:
        try:
            return await probe(model)
        except AttemptError as error:
            raise PrerequisiteError(error.message, remedy=error.remedy) from error


def _print(looked: _Looked) -> None:
    found = looked.found
    where = looked.endpoint.base_url or f"{looked.endpoint.service} {looked.endpoint.region or ''}"
    rows = [
        ["✓", "endpoint", f"{looked.place.endpoint}, {where.strip()}"],
        ["✓", "model", f"{found.model}, {found.seconds:.1f} s"],
        *([_glyph(trial), trial.capability, trial.found] for trial in found.trials),
    ]
    put_table(["", "", ""], rows)
    usage = looked.usage
    put(
        f"\nThis took {count(usage.model_calls, 'call')}: {usage.prompt_tokens:,} tokens in, "
        f"{usage.output_tokens:,} out, {usd_text(usage.usd, usage.unpriced_calls)}."
    )
    put("\nFor docmill.yaml:")
    put(_yaml(looked))


def _needed(trial: Trial) -> bool:
    return trial.capability in ("streaming", "tools")


def _glyph(trial: Trial) -> str:
    if trial.works:
        return "✓"
    return "✗" if _needed(trial) else "–"


def _yaml(looked: _Looked) -> str:
    name, endpoint = looked.place.endpoint, looked.endpoint
    lines = ["endpoints:", f"  {name}:"]
    if name != CLAUDE:
        said = endpoint.model_dump(
            include={"base_url", "service", "api_key_env", "api_key_file", "region", "project"},
            exclude_defaults=True,
        )
        lines += [f"    {key}: {value}" for key, value in said.items()]
    lines.append("    capabilities:")
    capabilities = looked.found.capabilities
    for key in type(capabilities).model_fields:
        works = bool(getattr(capabilities, key))
        if key in BY_CHOICE and works:
            note = "works on a small schema; a record's may be too large for it"
            lines.append(f"      {key}: false # {note}")
        else:
            lines.append(f"      {key}: {str(works).lower()}")
    return "\n".join(lines)


def _put_json(looked: _Looked) -> None:
    put_json(
        {
            "endpoint": looked.place.endpoint,
            "base_url": looked.endpoint.base_url,
            "model": looked.found.model,
            "seconds": round(looked.found.seconds, 3),
            "trials": [trial._asdict() for trial in looked.found.trials],
            "capabilities": looked.found.capabilities.model_dump(),
            "usage": looked.usage.model_dump(mode="json", exclude_defaults=True),
        }
    )
