"""`docmill plan` says who is sent what stands in documents."""

from docmill.cli.planned import sent_to
from docmill.spec.agent import Agent
from docmill.spec.workspace import Endpoint


def test_a_plan_names_the_hosts_of_its_models() -> None:
    """Each once, without what an address may hold of a login; the embedded model has none."""
    local = Endpoint.model_validate({"base_url": "http://user:word@127.0.0.1:8080/v1"})
    names = ["rules", "local/qwen3", "local/other", "claude-new"]
    cascade = Agent.model_validate({"name": "reader", "model": names})
    assert sent_to(cascade, {"local": local}) == "127.0.0.1:8080, api.anthropic.com"
    alone = Agent.model_validate({"name": "reader", "model": "rules"})
    assert sent_to(alone, {}) == "nobody: read on this machine"
