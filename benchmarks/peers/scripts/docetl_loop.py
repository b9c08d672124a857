"""DocETL: a pipeline with one map operation over a JSON file of documents."""

import importlib.util
import json
import os
import sys
from pathlib import Path

# Its token counts use a vocabulary that it would download; litellm has it in its package.
litellm = Path(importlib.util.find_spec("litellm").origin).parent
os.environ["TIKTOKEN_CACHE_DIR"] = str(litellm / "litellm_core_utils/tokenizers")
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from docetl.api import Dataset, MapOp, Pipeline, PipelineOutput, PipelineStep


def main(task):
    """All documents, so many threads at once."""
    folder = Path(task["folder"])
    documents = [{"number": number, "text": text} for number, text in enumerate(task["texts"])]
    (folder / "documents.json").write_text(json.dumps(documents))
    operation = MapOp(
        name="read",
        type="map",
        prompt=task["system"] + "\n\n{{ input.text }}",
        output={"schema": dict.fromkeys(task["fields"], "string")},
        model=f"anthropic/{task['model']}",
        litellm_completion_kwargs={"api_base": task["base_url"], "api_key": task["key"]},
    )
    pipeline = Pipeline(
        name="records",
        datasets={"documents": Dataset(type="file", path=str(folder / "documents.json"))},
        operations=[operation],
        steps=[PipelineStep(name="read", input="documents", operations=["read"])],
        output=PipelineOutput(
            type="file",
            path=str(folder / "records.json"),
            intermediate_dir=str(folder / "steps"),
        ),
        default_model=f"anthropic/{task['model']}",
    )
    pipeline.run(max_threads=task["concurrency"])
    found = json.loads((folder / "records.json").read_text())
    print(json.dumps([{name: row[name] for name in task["fields"]} for row in found]))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
