"""The process that imports Great Expectations: a request on stdin, an answer on stdout, both JSON.

Started by `expectations` only. Offline, quiet, an ephemeral context, nothing written anywhere.
"""

import contextlib
import json
import logging
import os
import select
import shutil
import sys
import threading
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

DOCUMENT = "document"


def main() -> None:
    """Answer the request on stdin."""
    listens = threading.Event()
    threading.Thread(target=_end_with_parent, args=(listens,), daemon=True).start()
    answer_to = sys.stdout
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    with contextlib.redirect_stdout(sys.stderr):  # the library prints
        import_module("great_expectations")  # while whoever asks is still busy
        listens.set()
        text = sys.stdin.read()
        if not text:
            shutil.rmtree(Path.cwd(), ignore_errors=True)
            return
        request: dict[str, Any] = json.loads(text)
        answer = list(_check(request) if request["mode"] == "check" else _run(request))
    json.dump(answer, answer_to)
    answer_to.flush()
    # Taking all its modules apart would take longer than the answer, and somebody waits.
    os._exit(0)


def _end_with_parent(listens: threading.Event) -> None:
    """End, and leave nothing behind, if whoever started this process dies during the import.

    It takes seconds; without this they would be spent for nobody. Once stdin is listened to, its
    end is seen there.
    """
    watch = select.poll()
    watch.register(sys.stdin.fileno(), select.POLLIN)
    ((_, happened),) = watch.poll()
    if not happened & select.POLLIN and not listens.is_set():
        shutil.rmtree(Path.cwd(), ignore_errors=True)
        os._exit(0)


def _check(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Declared expectations the library refuses."""
    for index, declared in enumerate(request["expectations"]):
        _, mistake = _make(declared)
        if mistake:
            yield {"index": index, "message": mistake}


def _run(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the library finds in the table, expectation by expectation."""
    batch = _batch(request["table"], request["kinds"])
    for declared in request["expectations"]:
        expectation, mistake = _make(declared)
        if mistake:
            yield {"success": False, "message": f"Not evaluated: {mistake}"}
            continue
        found = batch.validate(
            expectation,
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": [DOCUMENT],
            },
        ).to_json_dict()
        yield _result(found)


def _make(declared: dict[str, Any]) -> tuple[Any, str]:
    """The library's own expectation, or what it has against it."""
    configuration: Any = import_module(
        "great_expectations.expectations.expectation_configuration"
    ).ExpectationConfiguration
    refusal: Any = import_module("great_expectations.exceptions").GreatExpectationsError
    try:
        made = configuration(
            type=declared["type"], kwargs=declared["kwargs"], severity=declared["severity"]
        )
        return made.to_domain_obj(), ""
    except refusal as error:
        return None, str(error)
    except ValueError as error:  # pydantic's, in the version the library carries
        error_of_pydantic: Any = error
        entries: Any = error_of_pydantic.errors() if hasattr(error, "errors") else []
        told = [_told(entry) for entry in entries]
        return None, "; ".join(told) or str(error)


def _told(entry: dict[str, Any]) -> str:
    """One of pydantic's mistakes as text."""
    keys = [str(key) for key in entry["loc"] if key != "__root__"]
    return ": ".join([*keys, str(entry["msg"])])


def _batch(table: str, kinds: dict[str, str]) -> Any:
    gx: Any = import_module("great_expectations")
    configs: Any = import_module("great_expectations.data_context.types.base")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = configs.ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("batch")
    whole = source.add_dataframe_asset("documents").add_batch_definition_whole_dataframe("all")
    return whole.get_batch({"dataframe": _frame(table, kinds)})


def _frame(table: str, kinds: dict[str, str]) -> Any:
    """The table with empty cells as nulls; an order number of digits stays a text."""
    pandas: Any = import_module("pandas")
    frame = pandas.read_csv(table, dtype=str, keep_default_na=False, na_values=[""])
    for column in frame.columns:
        kind = kinds.get(column)
        if kind == "number" or (kind is None and _all_digits(frame[column])):
            frame[column] = pandas.to_numeric(frame[column])
        elif kind == "boolean":
            frame[column] = frame[column].map({"True": True, "False": False})
        else:
            frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
    return frame


def _all_digits(column: Any) -> bool:
    texts = [str(text) for text in column.dropna()]
    leading = any(text.lstrip("-").startswith("0") and text.strip("-0.") for text in texts
                  if not text.lstrip("-").startswith("0."))  # fmt: skip
    return bool(texts) and not leading and all(_is_number(text) for text in texts)


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _result(found: dict[str, Any]) -> dict[str, Any]:
    failure = _exception(found.get("exception_info") or {})
    if failure:
        return {"success": False, "message": f"Not evaluated: {failure}"}
    result: dict[str, Any] = found.get("result") or {}
    rows: list[dict[str, Any]] = result.get("unexpected_index_list") or []
    documents = list(dict.fromkeys(str(row[DOCUMENT]) for row in rows if row.get(DOCUMENT)))
    success = bool(found["success"])
    return {
        "success": success,
        "message": "" if success else _message(result),
        "documents": documents,
    }


def _message(result: dict[str, Any]) -> str:
    count, total = result.get("unexpected_count"), result.get("element_count")
    if count is not None and total is not None:
        values = cast("list[object]", result.get("partial_unexpected_list") or [])
        texts = [str(value) for value in values if value is not None]
        shown = ", ".join(list(dict.fromkeys(texts))[:5])
        return f"{count} of {total} rows" + (f": {shown}" if shown else "")
    return f"found {result.get('observed_value')}"


def _exception(info: dict[str, Any]) -> str:
    """The library nests one record per metric, or holds a single one."""
    entries: list[Any] = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if entry["raised_exception"]:
            return str(entry["exception_message"]).strip().partition("\n")[0][:300]
    return ""


if __name__ == "__main__":
    main()
