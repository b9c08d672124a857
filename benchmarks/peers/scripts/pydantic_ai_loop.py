"""pydantic-ai: one agent with a typed output, run once per document."""

import asyncio
import json
import sys
from pathlib import Path

from pydantic import create_model
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider


async def main(task):
    """All documents, so many at once."""
    record = create_model("Record", **dict.fromkeys(task["fields"], (str, ...)))
    provider = AnthropicProvider(base_url=task["base_url"], api_key=task["key"])
    model = AnthropicModel(task["model"], provider=provider)
    agent = Agent(model, output_type=record, instructions=task["system"])
    slots = asyncio.Semaphore(task["concurrency"])

    async def one(text):
        async with slots:
            return (await agent.run(text)).output.model_dump()

    print(json.dumps(await asyncio.gather(*(one(text) for text in task["texts"]))))


asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
