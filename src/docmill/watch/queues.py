"""An SQS queue that a bucket sends its notifications to, as a doorbell.

What a message says is only looked at to tell whether it is about the watched prefix; it is deleted
then. Losing one costs time, never a document: the watcher looks by itself now and then.
"""

import importlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast
from urllib.parse import unquote_plus

from docmill.documents.stores import store_errors
from docmill.errors import PrerequisiteError

WAIT = 20
"""Seconds that a question may stay open until there is a message; the most there is."""
AT_ONCE = 10
_REGION = re.compile(r"https://sqs\.([a-z0-9-]+)\.")


class Key(NamedTuple):
    """An object that a message is about."""

    bucket: str
    name: str


class Queue:
    """A queue of one watcher, or of several of the same place."""

    def __init__(self, url: str, address: str) -> None:
        """`address`: of the watched place, `s3://bucket/prefix`."""
        self._url = url
        bucket, _, prefix = address.partition("://")[2].partition("/")
        self._place = Key(bucket, f"{prefix.rstrip('/')}/" if prefix else "")

    async def listen(self, changed: Callable[[], None], hears: Callable[[], None]) -> None:
        """Call `changed` for messages about the place, `hears` whenever the queue has answered.

        Raises:
            OSError: the queue can't be asked.
        """
        # The errors of its connections are told apart by what is imported below.
        try:
            session = importlib.import_module("aiobotocore.session").get_session()
        except ImportError as error:
            raise PrerequisiteError(
                "A queue of notifications needs aiobotocore, which is not installed.",
                remedy="Install it: pip install 'docmill[s3]'",
            ) from error
        importlib.import_module("aiohttp")
        region = _REGION.match(self._url)
        # Where neither the address nor the environment names one it doesn't matter, but must be.
        name = region[1] if region else session.get_config_variable("region") or "us-east-1"
        with store_errors():
            async with session.create_client("sqs", region_name=name) as client:
                while True:
                    await self._receive(client, changed, hears)

    async def _receive(
        self, client: Any, changed: Callable[[], None], hears: Callable[[], None]
    ) -> None:
        answer = await client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=WAIT
        )
        hears()
        messages: list[dict[str, str]] = answer.get("Messages", [])
        if messages:
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            await client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        if any(self._concerns(message["Body"]) for message in messages):
            changed()

    def _concerns(self, body: str) -> bool:
        """Whether a message is about the place; one that nobody understands may be."""
        keys = keys_of(body)
        return keys is None or any(
            key.bucket == self._place.bucket and key.name.startswith(self._place.name)
            for key in keys
        )


def keys_of(body: str) -> list[Key] | None:
    """The objects a message is about, sent by S3 itself, through SNS or EventBridge.

    None: it is no such message.
    """
    try:
        said: object = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    message = cast("dict[str, Any]", said)
    if isinstance(message.get("Message"), str) and message.get("Type") == "Notification":
        return keys_of(message["Message"])
    if message.get("Event") == "s3:TestEvent":
        return []
    try:
        return list(_keys(message))
    except (KeyError, TypeError, AttributeError):
        return None


def _keys(message: dict[str, Any]) -> Iterator[Key]:
    if "detail" in message:
        detail = message["detail"]
        # EventBridge alone sends keys as they are.
        yield Key(detail["bucket"]["name"], detail["object"]["key"])
        return
    for record in message["Records"]:
        about = record["s3"]
        yield Key(about["bucket"]["name"], unquote_plus(about["object"]["key"]))
