"""Where secrets are found, and what a run that can't find one says before it spends anything."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from docmill.batch.egress import open_broker
from docmill.compile.networking import egress_policy
from docmill.compile.pipeline import compile_pipeline
from docmill.egress.hosts import HostRule
from docmill.egress.indexes import index_rules
from docmill.egress.vault import open_vault
from docmill.errors import PrerequisiteError
from docmill.settings import load_settings
from docmill.spec.load import load_workspace
from docmill.spec.vault import VaultEntry

SECRET = "s3cr3t-value"


def opened(root: Path, environ: dict[str, str] | None = None, **entry: Any) -> str:
    """The secret that one entry leads to."""
    spec = VaultEntry.model_validate({"hosts": ["api.example.com"], **entry})
    (credential,) = open_vault({"crm": spec}, secrets=(environ or {}).get, root=root)
    assert credential.hosts == (HostRule("api.example.com", (443,)),)
    return credential.secret


def test_a_secret_comes_from_a_variable_or_a_file(tmp_path: Path) -> None:
    """A file's last line break is not part of it."""
    (tmp_path / "token").write_text(f"{SECRET}\n")
    assert opened(tmp_path, {"T": SECRET}, env="T") == SECRET
    assert opened(tmp_path, file="token") == SECRET
    assert opened(Path("/"), file=str(tmp_path / "token")) == SECRET


def test_a_secret_comes_from_the_machines_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By service and user."""
    keyring, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    known = {("crm/eu", "docmill"): SECRET}

    def get_password(service: str, user: str) -> str | None:
        return known.get((service, user))

    vars(keyring)["get_password"] = get_password
    vars(errors)["KeyringError"] = RuntimeError
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)
    assert opened(tmp_path, keyring="crm/eu/docmill") == SECRET
    with pytest.raises(PrerequisiteError, match="holds nothing") as caught:
        opened(tmp_path, keyring="crm/other")
    assert caught.value.remedy == "Put it there: keyring set crm other"


def test_without_the_package_a_keyring_is_a_prerequisite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remedy installs it."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(PrerequisiteError) as caught:
        opened(tmp_path, keyring="crm/docmill")
    assert "docmill[keyring]" in caught.value.remedy


@pytest.mark.parametrize(
    ("environ", "file", "entry", "remedy"),
    [
        ({}, None, {"env": "T"}, "export T="),
        ({}, None, {"file": "token"}, "chmod 600"),
        ({}, b"\xff\xfe\x00", {"file": "token"}, "chmod 600"),
        ({}, b"x" * 20_000, {"file": "token"}, "holds the secret only"),
        ({"T": "short"}, None, {"env": "T"}, "empty or cut"),
        ({"T": f"{SECRET}\r\nX-Other: 1"}, None, {"env": "T"}, "one line"),
        ({"T": f"{SECRET}é"}, None, {"env": "T"}, "one line"),
        ({}, f"{SECRET}\n{SECRET}".encode(), {"file": "token"}, "one line"),
    ],
)
def test_a_secret_that_can_not_be_had_says_what_helps(
    tmp_path: Path, environ: dict[str, str], file: bytes | None, entry: dict[str, str], remedy: str
) -> None:
    """And shows nothing of what it found."""
    if file is not None:
        (tmp_path / "token").write_bytes(file)
    with pytest.raises(PrerequisiteError) as caught:
        opened(tmp_path, environ, **entry)
    assert remedy in caught.value.remedy
    assert SECRET not in str(caught.value)


def test_indexes_are_those_of_this_machine(tmp_path: Path) -> None:
    """Of pip, uv and npm, from variables and files; without the names and passwords in them."""
    (tmp_path / ".config/pip").mkdir(parents=True)
    (tmp_path / ".config/pip/pip.conf").write_text(
        "[global]\nindex-url = https://me:word@packages.example/simple\n"
        "extra-index-url =\n  http://more.example:8080/simple\n  https://packages.example/other\n"
    )
    (tmp_path / ".npmrc").write_text(
        "registry=https://npm.example/\n@own:registry=https://own.example/npm/\n"
        "//npm.example/:_authToken=secret\n"
    )
    environ = {"HOME": str(tmp_path), "UV_INDEX": "inner=https://uv.example/simple"}
    found = {str(rule) for rule in index_rules(environ)}
    hosts = ("packages.example", "npm.example", "own.example", "uv.example")
    assert {f"{host}:443" for host in hosts} | {"more.example:8080"} <= found


def test_no_index_is_known_by_heart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is configured, the environment can't have what it asks for."""
    monkeypatch.setattr("docmill.managers.pip._FILES", ())
    monkeypatch.setattr("docmill.managers.npm._SYSTEM", tmp_path / "none")
    with pytest.raises(PrerequisiteError, match="no index is configured"):
        index_rules({"HOME": str(tmp_path)})


ENVIRONMENTS = {
    "closed": "name: closed\n",
    "listed": "name: listed\nconfig: {networking: {type: limited, allowed_hosts: [a.example]}}\n",
    "open": "name: open\nconfig: {networking: {type: unrestricted}}\n",
    "servers": "name: servers\nconfig: {networking: {type: limited, allow_mcp_servers: true}}\n",
}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("closed", None),
        ("listed", ("a.example", False)),
        ("open", ("", True)),
        ("servers", ("mcp.example:8443", False)),
    ],
)
def test_an_environment_is_a_policy(
    tmp_path: Path, environment: str, expected: tuple[str, bool] | None
) -> None:
    """None where nothing may be reached: such a session has no door and no broker."""
    for name, text in {
        f"sandbox/{environment}.yaml": ENVIRONMENTS[environment],
        "agent_specs/reader.yaml": "name: reader\n"
        "mcp_servers: [{type: url, name: files, url: 'https://mcp.example:8443/mcp'}]\n"
        "tools: [{type: mcp_toolset, mcp_server_name: files}]\n",
        "pipelines/demo.yaml": "name: demo\ndocuments: in\nagent: reader\n"
        f"environment: {environment}\nrecord: {{fields: {{weight: {{}}}}}}\n",
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    compiled = compile_pipeline(load_workspace(tmp_path), "demo")
    assert (open_broker(compiled, load_settings({})) is None) == (expected is None)
    assert ("# Network" in compiled.system) == (expected is not None)
    policy = egress_policy(compiled)
    found = policy and (" ".join(map(str, policy.rules)), policy.unrestricted)
    assert found == expected


def test_an_agent_is_told_of_its_way_out(tmp_path: Path) -> None:
    """Its hosts, and the names by which credentials are used; never where secrets come from."""
    for name, text in {
        "sandbox/narrow.yaml": "name: narrow\nconfig: {networking: {type: limited, "
        "allowed_hosts: ['*.a.example', b.example:8443]}}\n",
        "agent_specs/reader.yaml": "name: reader\n",
        "pipelines/demo.yaml": "name: demo\ndocuments: in\nagent: reader\nenvironment: narrow\n"
        "record: {fields: {weight: {}}}\n"
        "vault: {crm: {env: CRM_TOKEN, hosts: ['*.a.example', 'b.example:8443']}}\n",
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    system = compile_pipeline(load_workspace(tmp_path), "demo").system
    assert "and no others: *.a.example, b.example:8443.\n" in system
    assert "`http://crm.egress/` is `https://b.example:8443/`" in system
    assert "CRM_TOKEN" not in system
