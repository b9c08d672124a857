"""`docmill doctor --vault` says where secrets are and where they may go, and never the secret."""

import io
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Docmill

CANARY = "canary-9e107d9d372bb682"


@pytest.fixture
def vaulted(tmp_path: Path) -> Path:
    """A workspace with a pipeline whose secrets are in a variable and in a file."""
    root = tmp_path / "demo"
    files = {
        "docmill.yaml": "{}\n",
        "agent_specs/reader.yaml": "name: reader\nmodel: rules\n",
        "sandbox/net.yaml": (
            "name: net\nconfig:\n  type: cloud\n"
            "  networking: {type: limited, allowed_hosts: [crm.example, erp.example]}\n"
        ),
        "pipelines/demo.yaml": (
            "name: demo\ndocuments: in\nagent: reader\nenvironment: net\n"
            "record: {fields: {voltage: {type: quantity, unit: V}}}\n"
            "vault:\n"
            "  crm: {env: SOME_CRM, hosts: [crm.example], prefix: 'Bearer '}\n"
            "  erp: {file: keys/erp, hosts: [erp.example], header: X-Api-Key}\n"
        ),
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / "in").mkdir()
    return root


def test_all_secrets_are_there(
    docmill: Docmill, vaulted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with its source, its hosts and its header."""
    (vaulted / "keys").mkdir()
    (vaulted / "keys" / "erp").write_text(f"{CANARY}\n")
    (vaulted / "keys" / "erp").chmod(0o600)
    monkeypatch.setenv("SOME_CRM", CANARY)
    told = docmill("doctor", "--vault", at=vaulted)
    assert told.code == 0, told.err
    for words in ("env SOME_CRM", "crm.example", "Authorization: Bearer ...", "file keys/erp"):
        assert words in told.out
    data = docmill("doctor", "--vault", "--json", at=vaulted).json
    assert [each["found"] for each in data["credentials"]] == [True, True]
    assert CANARY not in told.out + told.err + str(data)


def test_one_that_is_missing_hides_no_other(
    docmill: Docmill, vaulted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are named with what mends them, and the exit code says that something is missing."""
    monkeypatch.delenv("SOME_CRM", raising=False)
    told = docmill("doctor", "--vault", at=vaulted)
    assert told.code == 3
    assert told.out.count("✗") == 2
    assert "demo, crm: " in told.out
    assert "demo, erp: " in told.out


def test_a_workspace_without_a_vault(docmill: Docmill, vaulted: Path) -> None:
    """Nothing is missing."""
    spec = vaulted / "pipelines" / "demo.yaml"
    spec.write_text(spec.read_text().partition("vault:")[0])
    told = docmill("doctor", "--vault", at=vaulted)
    assert (told.code, told.out) == (0, "No pipeline has a `vault`.\n")


def test_nothing_is_no_secret(
    docmill: Docmill, vaulted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty stdin is told at once, before any server is asked."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    told = docmill("prefect", "secret", "erp", at=vaulted)
    assert told.code == 3
    assert "docmill prefect secret erp < FILE" in told.err
    assert not (vaulted / ".docmill" / "prefect").exists()
