"""A canary in the vault: a real run uses it, and afterwards it is nowhere."""

import base64
import json
import os
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
from tests.cli.conftest import served
from tests.egress.egress_scene import make_trusted
from tests.notify.hooks import receiver

from docmill.testing import Answer, ScriptedServer, tool_use

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CANARY = "canary-5d41402abc4b2a76"
BLOCKED = "canary-8b1a9953c4611296"
"""The one in a Secret block of Prefect."""
BLOCK = "erp-with-canary"
"""The block's name, which no other test uses: the server is everybody's."""
FORMS = tuple(
    form
    for each in (CANARY.encode(), BLOCKED.encode())
    for form in (each, each.hex().encode(), base64.b64encode(each)[:28])
)
SPY = f"""python3 - <<'END'
import urllib.request
for name in ("crm", "erp"):
    url = f"http://{{name}}.egress/customers?id=7"
    print(urllib.request.urlopen(url, timeout=20).read().decode())
END
env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2> /dev/null | tr '\\0' '\\n'
grep -rlaF -e {CANARY[:10]}''{CANARY[10:]} -e {BLOCKED[:10]}''{BLOCKED[10:]} \\
    /workspace /opt/docmill /etc /tmp/ 2> /dev/null | wc -l
"""
RECORD = {"voltage": {"value": 3.3, "unit": "V", "page": 1, "quote": "3.30 V"}}


class Customers(BaseHTTPRequestHandler):
    """A service that tells its callers everything they said, secrets too."""

    seen: list[tuple[str | None, str | None]] = []

    def do_GET(self) -> None:
        """Answer with the request's own headers."""
        self.seen.append((self.headers["Authorization"], self.headers["X-Api-Key"]))
        body = str(self.headers).encode()
        self.send_response(200)
        self.send_header("X-Echo", self.headers["Authorization"] or "")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name above
        """Say nothing."""


@contextmanager
def customers(tls: ssl.SSLContext) -> Generator[int]:
    """The service on loopback; its port."""
    service = ThreadingHTTPServer(("127.0.0.1", 0), Customers)
    service.socket = tls.wrap_socket(service.socket, server_side=True)
    thread = threading.Thread(target=service.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield service.server_port
    finally:
        service.shutdown()
        service.server_close()
        thread.join()


def write_workspace(root: Path, model: str, port: int, hook: str) -> None:
    """One document, one agent with a shell, two credentials, somebody who is told."""
    for name, content in {
        "docmill.yaml": f"endpoints: {{local: {{base_url: '{model}', api_key_env: MODEL_KEY}}}}\n",
        "agent_specs/reader.yaml": "name: reader\nmodel: local/any\n",
        "sandbox/narrow.yaml": "name: narrow\nconfig:\n  networking:\n    type: limited\n"
        f"    allowed_hosts: ['127.0.0.1:{port}']\n",
        "pipelines/demo.yaml": "name: demo\ndocuments: in\nagent: reader\nenvironment: narrow\n"
        "record: {fields: {voltage: {type: quantity, unit: V}}}\n"
        f"vault:\n  crm: {{env: CRM_TOKEN, hosts: ['127.0.0.1:{port}'], prefix: 'Bearer '}}\n"
        f"  erp: {{prefect_secret: {BLOCK}, hosts: ['127.0.0.1:{port}'], header: X-Api-Key}}\n"
        f"notify: [{{on: finished, webhook: '{hook}', secret: {{prefect_secret: {BLOCK}}}}}]\n"
        "results: [{to: 'out/{run}', formats: [csv, parquet]}]\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / "in").mkdir()
    canvas: Any = Canvas(str(root / "in" / "report.pdf"), invariant=1)
    canvas.drawString(72, 760, "Output voltage 3.30 V")
    canvas.save()


def contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, and what packed files hold."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as packed:
                    for name in packed.namelist():
                        yield f"{path}:{name}", packed.read(name)


def test_no_secret_of_the_vault_is_anywhere_after_a_run(
    tmp_path: Path, prefect_folder: Path
) -> None:
    """Not in the sandbox, the trace, logs, reports, the store or Prefect's database; its host got
    it, and the log of the session says so."""
    root = tmp_path / "demo"
    trusted = make_trusted(tmp_path)
    asked: list[dict[str, Any]] = []

    def agent(request: dict[str, Any]) -> Answer:
        asked.append(request)
        if len(asked) == 1:
            return Answer([tool_use("bash", {"command": SPY}, call="b1")])
        return Answer([tool_use("submit_record", RECORD, call="s1")])

    with (
        ScriptedServer(agent) as model,
        customers(trusted.server) as port,
        receiver((404, {})) as hook,
    ):
        write_workspace(root, model.base_url, port, hook.address)
        served(root, prefect_folder)
        environment = {
            "PATH": os.environ["PATH"],
            "MODEL_KEY": "test",
            "CRM_TOKEN": CANARY,
            "DOCMILL_EGRESS_PRIVATE": "127.0.0.1/32",
            "SSL_CERT_FILE": str(trusted.file),
        }
        answers = [
            subprocess.run(
                [sys.executable, "-m", "docmill.cli", *words],
                cwd=root,
                env=environment,
                input=said,
                capture_output=True,
                check=False,
            )
            for words, said in (
                (["prefect", "secret", BLOCK], BLOCKED.encode() + b"\n"),
                (["run", "demo"], b""),
                (["doctor", "--vault"], b""),
                (["show", "run-0001", "report", "--json"], b""),
            )
        ]
    assert [answer.returncode for answer in answers] == [0, 0, 0, 0], answers
    # both are for the same host, in headers of their own
    assert Customers.seen == [(f"Bearer {CANARY}", BLOCKED)] * 2
    ((signed, notice),) = hook.got
    assert signed["webhook-signature"].startswith("v1,")
    assert b"Again: docmill notify run-0001" in answers[1].stderr
    events = json.loads(answers[-1].stdout)["events"]
    (result,) = [e["event"] for e in events if e["event"]["type"] == "agent.tool_result"]
    assert f"Authorization: Bearer {'*' * len(CANARY)}" in result["content"]
    assert result["content"].rstrip().endswith("\n0")
    requests = [e["event"] for e in events if e["event"]["type"] == "docmill.egress"]
    for request in requests:
        assert (request["path"], request["verdict"]) == ("/customers", "allowed")
        assert request["credentials"] == ["crm", "erp"]
    printed = [(str(answer.args), answer.stdout + answer.stderr) for answer in answers]
    printed += [("notice", notice + str(signed).encode())]
    found = [
        name
        for name, data in chain(
            contents(root),
            contents(prefect_folder),
            printed,
            [("the model", json.dumps(asked).encode())],
        )
        if any(form in data for form in FORMS)
    ]
    assert found == []
