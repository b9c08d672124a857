"""inspect_ai: one task, a document per sample, the record as a tool call, its log on."""

import json
import sys
from pathlib import Path

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import ToolDef, ToolParam, ToolParams


async def keep(**record):
    """Nothing is to be done with a record here: the log keeps it."""
    return str(record)


def main(task):
    """All documents, so many at once."""
    samples = [Sample(input=text, id=number) for number, text in enumerate(task["texts"])]
    fields = {name: ToolParam(type="string", description=name) for name in task["fields"]}
    parameters = ToolParams(properties=fields, required=task["fields"])
    submit = ToolDef(keep, name=task["submit"], description="Hand in.", parameters=parameters)
    config = GenerateConfig(
        max_connections=task["concurrency"],
        max_retries=0,
        max_tokens=task["max_tokens"],
        system_message=task["system"],
    )
    model = get_model(
        f"anthropic/{task['model']}",
        base_url=task["base_url"],
        api_key=task["key"],
        config=config,
    )
    [log] = eval(
        Task(
            dataset=MemoryDataset(samples),
            solver=[use_tools(submit.as_tool()), generate(tool_calls="none")],
        ),
        model=model,
        max_samples=task["concurrency"],
        log_dir=task["folder"],
        display="none",
    )
    messages = [sample.output.message for sample in log.samples]
    print(json.dumps([message.tool_calls[0].arguments for message in messages]))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
