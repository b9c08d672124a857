"""Changes that are told wake a watcher which would sleep on; how often it looks depends on it."""

import asyncio
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.buckets import Bucket, answers, free_port
from tests.watch.conftest import MakePost, Post

from docmill.watch.queues import Key, keys_of
from docmill.watch.waking import SLOW, Waking, file_system_of
from docmill.watch.watcher import LEAD

NEVER = 3600
"""Seconds between two looks of a watcher that only what it is told can wake."""


def message(bucket: str, key: str) -> str:
    """As S3 sends it."""
    return json.dumps({"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]})


def test_keys_in_messages_are_url_encoded() -> None:
    """By S3 itself and through SNS; EventBridge sends them as they are."""
    sent = message("lab", "in/a+b%C3%BC.pdf")
    expected = [Key("lab", "in/a bü.pdf")]
    assert keys_of(sent) == expected
    assert keys_of(json.dumps({"Type": "Notification", "Message": sent})) == expected
    detail = {"bucket": {"name": "lab"}, "object": {"key": "in/a+b"}}
    assert keys_of(json.dumps({"detail": detail})) == [Key("lab", "in/a+b")]


@pytest.mark.parametrize("body", ["", "hello", "[]", "{}", '{"Records": [1]}', '{"detail": 3}'])
def test_what_is_no_message_of_s3_is_told_apart(body: str) -> None:
    """The watcher looks to be sure; S3's own test message is about nothing."""
    assert keys_of(body) is None
    assert keys_of('{"Service": "Amazon S3", "Event": "s3:TestEvent"}') == []


def test_a_watcher_that_is_told_of_changes_looks_once_a_minute() -> None:
    """As the safety net; as soon as nobody tells any more it looks as often as is set."""
    waking = Waking(5)
    assert waking.pace == 5
    waking.hears(does=True)
    assert waking.pace == SLOW
    waking.hears(does=False)
    assert waking.pace == 5


def test_folders_of_other_machines_are_told_by_their_file_system(tmp_path: Path) -> None:
    """Nobody tells of what another machine writes to an NFS folder."""
    mounts = tmp_path / "mounts"
    mounts.write_text("/dev/sda1 / ext4 rw 0 0\nnas:/lab /mnt/lab\\040a nfs4 rw 0 0\n")
    assert file_system_of(Path("/mnt/lab a/incoming"), mounts) == "nfs4"
    assert file_system_of(Path("/mnt/lab"), mounts) == "ext4"


async def second_drop_is_read(post: Post, drop: Any) -> None:
    """The first is there from the start; the second comes while the watcher sleeps."""
    stop = asyncio.Event()
    task = asyncio.create_task(post.watcher().watch(stop))
    await post.heard.an_end.wait()
    post.heard.an_end.clear()
    await asyncio.to_thread(drop)
    await post.heard.an_end.wait()
    stop.set()
    await task
    assert post.ran.contents == [b"first", b"second"]


async def test_a_file_in_a_folder_wakes_the_watcher(tmp_path: Path, post: MakePost) -> None:
    """The operating system says so."""
    incoming = tmp_path / "incoming"
    (incoming / "box").mkdir(parents=True)
    (incoming / "a").write_bytes(b"first")
    watching = post(path=str(incoming), poll_seconds=NEVER)

    def drop() -> None:
        (incoming / "box").mkdir(exist_ok=True)
        (incoming / "box/b").write_bytes(b"second")

    await second_drop_is_read(watching, drop)


async def test_a_run_gets_ready_shortly_before_its_drop_is_complete(
    tmp_path: Path, post: MakePost
) -> None:
    """Not for hours, as what waits holds memory; it is sent away when the watcher ends."""
    (tmp_path / "incoming").mkdir()
    (tmp_path / "incoming/a").write_bytes(b"1")
    watching = post(path=str(tmp_path / "incoming"), settle_seconds=LEAD + 0.3)
    watcher, stop = watching.watcher(), asyncio.Event()
    begun = time.monotonic()
    looking = asyncio.create_task(watcher.watch(stop))
    await watching.ran.prepared.wait()
    assert time.monotonic() - begun >= 0.3
    stop.set()
    await looking
    assert not watching.ran.prepared.is_set()


@pytest.fixture(scope="module")
def sqs_server() -> Iterator[str]:
    """Queues over the wire; its URL."""
    port = free_port()
    program = str(Path(sys.executable).with_name("moto_server"))
    process = subprocess.Popen(
        [program, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not answers(port):
            assert process.poll() is None
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


async def ask(method: str, **arguments: Any) -> Any:
    """One call to SQS."""
    session = importlib.import_module("aiobotocore.session").get_session()
    async with session.create_client("sqs") as client:
        return await getattr(client, method)(**arguments)


async def test_a_message_of_the_bucket_wakes_the_watcher(
    sqs_server: str, bucket: Bucket, post: MakePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages are deleted when they have been heard, those about other places too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", sqs_server)
    url: str = (await ask("create_queue", QueueName="drops"))["QueueUrl"]
    await asyncio.to_thread(bucket.put, "incoming/a b.pdf", b"first")
    watching = post(path=f"{bucket.address}/incoming/", events=url, poll_seconds=NEVER)

    def drop() -> None:
        bucket.put("incoming/ü.pdf", b"second")
        for key in ("other/x.pdf", "incoming/%C3%BC.pdf"):
            asyncio.run(ask("send_message", QueueUrl=url, MessageBody=message(bucket.name, key)))

    await second_drop_is_read(watching, drop)
    left = await ask("get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    assert left["Attributes"]["ApproximateNumberOfMessages"] == "0"
    assert watching.heard.failures == []


async def test_without_its_queue_a_watcher_looks_by_itself(
    sqs_server: str, bucket: Bucket, post: MakePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong with the queue is told, and every drop is read all the same."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", sqs_server)
    await asyncio.to_thread(bucket.put, "incoming/a", b"first")
    watching = post(path=f"{bucket.address}/incoming/", events=f"{sqs_server}/1/none")

    def drop() -> None:
        while not watching.heard.failures:  # the test's own time limit ends it
            time.sleep(0.05)
        bucket.put("incoming/b", b"second")

    await second_drop_is_read(watching, drop)
    (failure,) = watching.heard.failures
    assert "does not exist" in str(failure)
