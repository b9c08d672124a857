"""Servers over HTTP and inside the sandbox: what they offer, what they answer, how they fail."""

from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from docmill.egress.credentials import Credential
from docmill.egress.hosts import parse_rule
from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import Sandbox
from docmill.tools.base import Tool
from docmill.tools.mcp.keys import Keys
from docmill.tools.mcp.meeting import Surroundings, meet
from docmill.tools.mcp.servers import Terms

from .conftest import PNG, Crm, agent_with, program, url_server

NO_SANDBOX = cast("Sandbox", object())
NO_PICTURES = Terms(keep=lambda _: "", pictures=False)


async def tools_of(
    stack: AsyncExitStack,
    surroundings: Surroundings,
    *entries: dict[str, Any],
    terms: Terms = NO_PICTURES,
    sandbox: Sandbox = NO_SANDBOX,
) -> dict[str, Tool]:
    """The tools of an agent with these servers, by the names the model knows."""
    servers = await meet(agent_with(*entries), surroundings)
    await stack.enter_async_context(servers.held())
    offers = [await stack.enter_async_context(one.open(sandbox)) for one in servers.sources(terms)]
    return {str(tool.definition["name"]): tool for offer in offers for tool in offer.tools}


async def test_a_server_s_tools_are_the_agent_s(crm: Crm, surroundings: Surroundings) -> None:
    """Under names that can't clash, with the server's descriptions and schemas."""
    async with AsyncExitStack() as stack:
        tools = await tools_of(stack, surroundings, url_server(crm))
        assert set(tools) == {"mcp__crm__look_up", "mcp__crm__order", "mcp__crm__photo"}
        look_up = tools["mcp__crm__look_up"]
        assert look_up.definition["description"] == "Who owns the device with this serial number."
        assert look_up.definition["input_schema"]["required"] == ["serial"]
        found = await look_up.run({"serial": "A-1"}, NO_SANDBOX)
        assert (found.content, found.is_error) == ("A-1 belongs to ACME", False)


async def test_what_a_server_can_t_do_is_a_result(crm: Crm, surroundings: Surroundings) -> None:
    """The model sees what went wrong and goes on; the connection stays."""
    async with AsyncExitStack() as stack:
        tools = await tools_of(stack, surroundings, url_server(crm))
        failed = await tools["mcp__crm__look_up"].run({"serial": "unknown"}, NO_SANDBOX)
        assert failed.is_error
        assert "no such device" in failed.text
        refused = await tools["mcp__crm__look_up"].run({"number": 1}, NO_SANDBOX)
        assert refused.is_error
        found = await tools["mcp__crm__order"].run({"serial": "A-1"}, NO_SANDBOX)
        assert '"order": 2' in found.text


async def test_only_what_changes_nothing_may_be_repeated(
    crm: Crm, surroundings: Surroundings
) -> None:
    """A call that was cut by a crash is made again only if its server says it does no harm."""
    async with AsyncExitStack() as stack:
        tools = await tools_of(stack, surroundings, url_server(crm))
        assert tools["mcp__crm__look_up"].repeatable
        assert not tools["mcp__crm__order"].repeatable
        assert not tools["mcp__crm__order"].changes_files


@pytest.mark.parametrize("pictures", [True, False])
async def test_pictures_lie_among_the_blobs(
    crm: Crm, surroundings: Surroundings, *, pictures: bool
) -> None:
    """A model that reads none is told that there was one."""
    kept: list[bytes] = []
    terms = Terms(keep=lambda data: kept.append(data) or "sha", pictures=pictures)
    async with AsyncExitStack() as stack:
        tools = await tools_of(stack, surroundings, url_server(crm), terms=terms)
        found = await tools["mcp__crm__photo"].run({}, NO_SANDBOX)
    assert "front" in found.text
    if pictures:
        source = {"type": "blob", "media_type": "image/png", "sha256": "sha"}
        assert {"type": "image", "source": source} in cast("Any", found.content)
        assert kept == [PNG]
    else:
        assert "picture is left out" in found.text


async def test_a_server_that_comes_back_is_used_again(surroundings: Surroundings) -> None:
    """While it is away its tools answer with an error; nothing has to be started anew."""
    crm = Crm()
    async with AsyncExitStack() as stack:
        with crm.up():
            tools = await tools_of(stack, surroundings, url_server(crm))
            look_up = tools["mcp__crm__look_up"]
            assert not (await look_up.run({"serial": "A-1"}, NO_SANDBOX)).is_error
        away = await look_up.run({"serial": "A-1"}, NO_SANDBOX)
        assert away.is_error
        assert "can't be reached" in away.text
        with crm.up():
            again = await look_up.run({"serial": "A-2"}, NO_SANDBOX)
            assert again.content == "A-2 belongs to ACME"


async def test_a_server_that_isn_t_there_is_said_before_the_run(
    surroundings: Surroundings,
) -> None:
    """With its name, its address and what to look at."""
    with pytest.raises(PrerequisiteError, match=r"`crm` can't be used: .*can't be reached") as told:
        await meet(agent_with(url_server(Crm())), surroundings)
    assert "127.0.0.1" in told.value.remedy


async def test_settings_for_a_tool_that_isn_t_there_are_a_mistake(
    crm: Crm, surroundings: Surroundings
) -> None:
    """A misspelt tool would else be asked about, or allowed, by the default."""
    agent = agent_with(url_server(crm), configs=[{"name": "lookup"}])
    with pytest.raises(PrerequisiteError, match="no tool `lookup`; it has: look_up, order, photo"):
        await meet(agent, surroundings)


async def test_the_credential_goes_to_its_host_only(crm: Crm, surroundings: Surroundings) -> None:
    """Without it the server's refusal is told; nothing the server says brings it to the model."""
    crm.wants = "Bearer s3cret-token"
    with pytest.raises(PrerequisiteError, match="HTTP status 401"):
        await meet(agent_with(url_server(crm)), surroundings)
    place = f"127.0.0.1:{crm.port}"
    own, other = (
        Credential(name, secret, (parse_rule(host),), prefix="Bearer ")
        for name, secret, host in [
            ("own", "s3cret-token", place),
            ("other", "another-token", "crm.example"),
        ]
    )
    keyed = Surroundings(surroundings.sandboxes, surroundings.sandbox, Keys([other, own]))
    async with AsyncExitStack() as stack:
        tools = await tools_of(stack, keyed, url_server(crm))
        found = await tools["mcp__crm__look_up"].run({"serial": "s3cret-token"}, NO_SANDBOX)
    assert found.content == "************ belongs to ACME"
    assert crm.headers[-1]["authorization"] == "Bearer s3cret-token"
    assert not any("another" in str(headers) for headers in crm.headers)


async def test_a_program_in_the_sandbox_is_a_server(surroundings: Surroundings) -> None:
    """It keeps its state between calls and works in the session's folder, which outlives it."""
    async with surroundings.sandboxes.open(surroundings.sandbox) as sandbox:
        async with AsyncExitStack() as stack:
            tools = await tools_of(stack, surroundings, program(), sandbox=sandbox)
            count, where = tools["mcp__inside__count"], tools["mcp__inside__where"]
            assert (await count.run({}, sandbox)).content == "1"
            assert (await count.run({}, sandbox)).content == "2"
            assert (await where.run({}, sandbox)).content == "/workspace"
            assert count.changes_files
            assert not where.changes_files
        assert await sandbox.get("/workspace/calls", max_bytes=10) == b"3"
        running = await sandbox.call("bash", {"command": "cat /proc/[0-9]*/cmdline"}, timeout=10)
        assert "Counts up" not in running["output"]


async def test_a_program_that_ends_is_started_again(surroundings: Surroundings) -> None:
    """Its last words are the result of the call it died on."""
    async with (
        surroundings.sandboxes.open(surroundings.sandbox) as sandbox,
        AsyncExitStack() as stack,
    ):
        tools = await tools_of(stack, surroundings, program(), sandbox=sandbox)
        died = await tools["mcp__inside__die"].run({}, sandbox)
        assert died.is_error
        assert (await tools["mcp__inside__count"].run({}, sandbox)).content == "1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("raise SystemExit('no licence')", "no licence"),
        ("print('hello'); raise SystemExit('odd')", "odd"),
        ("print('x' * 5_000_000, flush=True); input()", "a line of over"),
    ],
)
async def test_a_program_that_is_no_server_is_said_before_the_run(
    surroundings: Surroundings, text: str, why: str
) -> None:
    """With what it said last."""
    with pytest.raises(PrerequisiteError, match=why):
        await meet(agent_with(program(text)), surroundings)
