"""Secrets in Prefect's blocks: read and written in a process of their own, on a real server."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from docmill.batch.blocks import SecretBlocks
from docmill.egress.vault import open_vault
from docmill.errors import PrerequisiteError
from docmill.flow.address import ServerAddress, ServerSettings
from docmill.flow.errands import (
    KeepSecret,
    ReadSecrets,
    Reply,
    keep_secret,
    read_secrets,
    refusal,
    run_errand,
)
from docmill.spec.vault import VaultEntry

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SECRET = "12345678901234"
"""All digits: Prefect's own `Secret.get` would make it a number."""


@pytest.fixture(scope="module", autouse=True)
def kept(prefect_server: ServerAddress) -> None:
    """A Secret block `crm`."""
    keep_secret(prefect_server, "crm", SECRET)


def test_a_secret_block_is_written_and_read(prefect_server: ServerAddress) -> None:
    """The text comes back as it was given, and no representation shows it."""
    assert read_secrets(prefect_server, ["crm", "crm"]) == {"crm": SECRET}
    assert SECRET not in repr([KeepSecret("crm", SECRET), Reply("found", secret=SECRET)])


def test_what_a_block_lacks_is_said_with_the_command_that_mends_it(
    prefect_server: ServerAddress, ask: Callable[..., Any]
) -> None:
    """A block that isn't there, one of another type, one that holds no text."""
    secret = ask("/block_types/slug/secret")
    note = ask("/block_types/", {"name": "Note", "slug": "note"})
    for kind, name in ((secret, "number"), (note, "remark")):
        fields = {"title": name, "type": "object", "properties": dict[str, str]()}
        body = {"block_type_id": kind["id"]}
        schema = ask("/block_schemas/", body | {"fields": fields})
        body |= {"block_schema_id": schema["id"], "name": name, "data": {"value": 7}}
        ask("/block_documents/", body)
    messages = {
        "nowhere": "has no Secret block `nowhere`",
        "remark": "the block of this name is a Note",
        "number": "holds a int, not a text",
    }
    replies = run_errand(prefect_server, ReadSecrets(tuple(messages)))
    for (name, message), reply in zip(messages.items(), replies, strict=True):
        refused = refusal(prefect_server, name, reply)
        assert message in refused.message
        assert f"docmill prefect secret {name}\n" in refused.remedy
        assert "prefect block create secret" in refused.remedy


def test_a_server_that_is_away_or_locked_is_a_prerequisite(prefect_server: ServerAddress) -> None:
    """Nobody waits for it, and nothing has been spent."""
    away = replace(prefect_server, api_url="http://127.0.0.1:9/api")
    locked = replace(prefect_server, auth="")
    for address, message in ((away, "does not answer"), (locked, "refused: PrefectHTTPStatus")):
        with pytest.raises(PrerequisiteError, match=message) as caught:
            read_secrets(address, ["crm"])
        assert caught.value.remedy == "Look: docmill prefect status"


def test_a_vault_takes_its_secret_from_a_block(prefect_server: ServerAddress) -> None:
    """All blocks of a pipeline are read at the first question, and once."""
    blocks = SecretBlocks(ServerSettings(folder=prefect_server.folder), ["crm"])
    entry = VaultEntry(prefect_secret="crm", hosts=("api.example",))
    vault = {"one": entry, "two": entry}
    credentials = open_vault(
        vault, secrets=dict[str, str]().get, root=prefect_server.folder, blocks=blocks
    )
    assert [each.secret for each in credentials] == [SECRET, SECRET]
