"""The baseline: an asyncio loop over the SDK that keeps nothing and checks nothing."""

import asyncio
import json
import sys
from pathlib import Path

from anthropic import AsyncAnthropic


async def read(client, task, text):
    """One document: ask, pretend to run tools, ask again, until the record comes."""
    messages = [{"role": "user", "content": text}]
    while True:
        request = {
            "model": task["model"],
            "max_tokens": task["max_tokens"],
            "system": task["system"],
            "tools": task["tools"],
            "messages": messages,
        }
        if task["stream"]:
            async with client.messages.stream(**request) as stream:
                answer = await stream.get_final_message()
        else:
            answer = await client.messages.create(**request)
        calls = [block for block in answer.content if block.type == "tool_use"]
        handed_in = [call.input for call in calls if call.name == task["submit"]]
        if handed_in or not calls:
            return handed_in[0] if handed_in else None
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": "seen"} for call in calls
        ]
        messages.append({"role": "assistant", "content": answer.content})
        messages.append({"role": "user", "content": results})


async def main(task):
    """All documents, so many at once."""
    slots = asyncio.Semaphore(task["concurrency"])
    async with AsyncAnthropic(
        base_url=task["base_url"], api_key=task["key"], max_retries=0
    ) as client:

        async def one(text):
            async with slots:
                return await read(client, task, text)

        found = await asyncio.gather(*(one(text) for text in task["texts"]))
    print(json.dumps(found))


asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
