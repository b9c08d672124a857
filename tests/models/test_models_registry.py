"""A model's name leads to an endpoint; what would make every call fail is said before any."""

import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from docmill.errors import PrerequisiteError
from docmill.models.registry import BUILT_IN, Models, known_endpoints
from docmill.models.rules import RulesModel
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Capabilities, Endpoint, Rates

LOCAL = Endpoint(base_url="http://127.0.0.1:11434")


async def test_rules_needs_nothing() -> None:
    """No endpoint, no key, no SDK."""
    async with Models() as models:
        assert isinstance(models.open(ModelChoice(id="rules")), RulesModel)
        assert models.endpoint("rules") is None


def test_rules_does_not_import_the_sdk() -> None:
    """It takes seconds that a run without language model shouldn't pay."""
    program = (
        "import sys; from docmill.models.registry import Models;"
        "from docmill.spec.agent import ModelChoice;"
        "Models().open(ModelChoice(id='rules'));"
        "sys.exit('anthropic' in sys.modules or 'httpx2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_claude_has_an_endpoint_of_its_own() -> None:
    """`model: claude-…` works without any docmill.yaml; record schemas exceed its grammars."""
    async with Models(secrets={"ANTHROPIC_API_KEY": "k-1"}.get) as models:
        model = models.open(ModelChoice(id="claude-sonnet-5-5", effort="high"))
        assert repr(model) == "MessagesModel('claude-sonnet-5-5')"
        endpoint = models.endpoint("claude-sonnet-5-5")
    assert endpoint is not None
    assert endpoint == BUILT_IN
    assert endpoint.capabilities.caching
    assert not endpoint.capabilities.json_schema
    assert not endpoint.capabilities.strict_tools


def test_docmill_yaml_changes_single_keys_of_the_built_in_endpoint() -> None:
    """What isn't said stays as it was."""
    own = Endpoint(
        rates=Rates(concurrency=3), capabilities=Capabilities(batches=False, json_schema=True)
    )
    endpoint = known_endpoints({"anthropic": own, "local": LOCAL})["anthropic"]
    assert endpoint.base_url == BUILT_IN.base_url
    assert endpoint.api_key_env == "ANTHROPIC_API_KEY"
    assert endpoint.rates.concurrency == 3
    assert endpoint.capabilities.caching
    assert endpoint.capabilities.json_schema
    assert not endpoint.capabilities.batches


async def test_the_model_of_an_endpoint_may_have_slashes_in_its_name() -> None:
    """Only the first one is ours."""
    async with Models({"router": LOCAL}) as models:
        model = models.open(ModelChoice(id="router/vendor/model:8b"))
        assert repr(model) == "MessagesModel('router/vendor/model:8b')"
        assert models.endpoint("router/vendor/model:8b") == LOCAL


@pytest.mark.parametrize("name", ["gpt", "lokal/qwen3", "local/", "claude/x", ""])
async def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    """Before anything is spent."""
    async with Models({"local": LOCAL}) as models:
        with pytest.raises(PrerequisiteError) as caught:
            models.open(ModelChoice(id=name))
    assert "anthropic, local" in caught.value.message
    if name.startswith("lokal"):
        assert "Did you mean `local`?" in caught.value.message


async def test_a_missing_key_names_the_command() -> None:
    """Before anything is spent."""
    async with Models() as models:
        with pytest.raises(PrerequisiteError) as caught:
            models.open(ModelChoice(id="claude-haiku-4-5"))
    assert "export ANTHROPIC_API_KEY=…" in caught.value.remedy


async def test_a_key_may_stand_in_a_file(tmp_path: Path) -> None:
    """Its line end doesn't belong to it; an empty file is a missing key."""
    path = tmp_path / "key"
    endpoint = Endpoint(base_url="http://127.0.0.1:1", api_key_file=str(path))
    async with Models({"local": endpoint}) as models:
        for content in (None, "", "\n"):
            if content is not None:
                path.write_text(content)
            with pytest.raises(PrerequisiteError) as caught:
                models.open(ModelChoice(id="local/m"))
            assert str(path) in caught.value.message
        path.write_text("k-2\n")
        models.open(ModelChoice(id="local/m"))


@pytest.mark.parametrize("url", [None, "127.0.0.1:11434", "localhost"])
async def test_an_endpoint_without_an_address_is_refused(url: str | None) -> None:
    """Its key must not go to an address that nobody wrote down."""
    async with Models({"local": Endpoint(base_url=url)}) as models:
        with pytest.raises(PrerequisiteError) as caught:
            models.open(ModelChoice(id="local/m"))
    assert "endpoints.local" in caught.value.remedy


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.0.0.1:1/v1/"])
async def test_an_address_may_end_as_servers_print_it(url: str) -> None:
    """With `/v1` or without."""
    async with Models({"local": Endpoint(base_url=url)}) as models:
        client = models.connection(ModelChoice(id="local/m")).client
    assert client.base_url == "http://127.0.0.1:1"


async def test_effort_wants_an_endpoint_that_thinks() -> None:
    """A setting that would have no effect is refused, not passed over."""
    async with Models({"local": LOCAL}) as models:
        with pytest.raises(PrerequisiteError) as caught:
            models.open(ModelChoice(id="local/m", effort="low"))
    assert "thinking: true" in caught.value.remedy


@pytest.mark.parametrize(("service", "module"), [("bedrock", "boto3"), ("vertex", "google")])
async def test_a_cloud_without_its_package_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, service: Literal["bedrock", "vertex"], module: str
) -> None:
    """The SDK's extras aren't installed with docmill."""
    monkeypatch.setitem(sys.modules, module, None)
    endpoint = Endpoint(service=service, region="europe-west1", project="p")
    async with Models({"cloud": endpoint}) as models:
        with pytest.raises(PrerequisiteError) as caught:
            models.open(ModelChoice(id="cloud/claude-x"))
    assert caught.value.remedy == f"pip install 'anthropic[{service}]'"


async def test_models_of_one_endpoint_share_its_gate_and_connections() -> None:
    """A cascade or a grader on the same endpoint counts against the same rates."""
    async with Models({"a": LOCAL, "b": LOCAL}) as models:
        connections = [
            models.connection(ModelChoice(id=name)) for name in ("a/one", "a/two", "b/one")
        ]
    assert connections[0] is connections[1]
    assert connections[0] is not connections[2]
