"""The scripted server as a process: `python -m docmill.testing.server --script FILE.json`.

Neighbours: `serving` does the work, `process` starts it from a test. The first line on stdout is
`{"base_url": …, "pid": …}`; SIGTERM and SIGINT end it: with 1 if the script wasn't kept to. A file
that is no script ends it at once, with 2.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from docmill.testing.files import load_script
from docmill.testing.serving import ScriptedServer


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(prog="python -m docmill.testing.server", description=__doc__)
    parser.add_argument("--script", type=Path, required=True, help="JSON file, docs/testing.md")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--key", default="test", help="the API key that is taken")
    parser.add_argument(
        "--latency-ms", type=float, default=0.0, help="before an answer's first byte"
    )
    parser.add_argument(
        "--model", action="append", default=[], help="a model that exists; all if none"
    )
    parser.add_argument("--cache-minimum", type=int, default=0, help="tokens of a cached prefix")
    parser.add_argument("--batch-polls", type=int, default=1, help="looks before a batch has ended")
    parser.add_argument("--batch-seconds", type=float, default=0.0, help="no batch ends before")
    given = parser.parse_args(arguments)
    try:
        policy = load_script(given.script)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{given.script}: {error}\nSee docs/testing.md for what a script is.\n")
        return 2
    server = ScriptedServer(
        policy,
        key=given.key,
        latency=given.latency_ms / 1000,
        models=given.model,
        port=given.port,
        cache_minimum=given.cache_minimum,
        batch_polls=given.batch_polls,
        batch_seconds=given.batch_seconds,
    )
    asyncio.run(_serve(server))
    try:
        server.check()
    except AssertionError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _serve(server: ScriptedServer) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await server.start()
    sys.stdout.write(json.dumps({"base_url": server.base_url, "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    await told.wait()
    await server.stop()


if __name__ == "__main__":
    sys.exit(main())
