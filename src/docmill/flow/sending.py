"""Sends a message by a block of Prefect: one that notifies, or a mail server's credentials.

In the process of `errands_child`. What a block's service answers is passed on by its kind only.
"""

import asyncio
import inspect
from email.message import EmailMessage
from importlib import import_module
from typing import Any, cast

from prefect.blocks.core import Block, UnknownBlockType
from prefect.client.orchestration import PrefectClient
from prefect.plugins import load_prefect_collections
from pydantic import ValidationError

from docmill.flow.errands import BlockMessage, Reply
from docmill.flow.tasks import PREFECT_ERRORS


async def send_message(client: PrefectClient, message: BlockMessage) -> Reply:
    """Send one message; whatever goes wrong is a reply."""
    try:
        block = await _loaded(client, message.block)
    except UnknownBlockType:
        return Reply("failed", "the package of this type of block is not installed here")
    except ValidationError:
        return Reply("failed", "the block was written by another version of its package")
    except ValueError:
        return Reply("missing")
    except PREFECT_ERRORS as error:
        return Reply("refused", type(error).__name__)
    return await sent_by(block, message)


async def sent_by(block: Any, message: BlockMessage) -> Reply:
    """Send a message by a block that is there; whatever goes wrong is a reply."""
    # Each block raises what its service's client does.
    (reply,) = await asyncio.gather(_sent(block, message), return_exceptions=True)
    return reply if isinstance(reply, Reply) else Reply("failed", type(reply).__name__)


async def _loaded(client: PrefectClient, slug: str) -> Any:
    """The block.

    Raises:
        ValueError: there is no such block.
        UnknownBlockType: its class is in a package that isn't installed.
    """
    import_module("prefect.blocks.notifications")
    load_prefect_collections()
    return await cast("Any", Block.aload)(slug, client=client)


async def _sent(block: Any, message: BlockMessage) -> Reply:
    if hasattr(block, "get_server"):
        if not message.to:
            return Reply("failed", "a mail server needs `to`")
        await asyncio.to_thread(_mail, block, message)
    elif hasattr(block, "notify"):
        with block.raise_on_failure():
            answer = (getattr(block, "anotify", None) or block.notify)(
                message.body, message.subject
            )
            if inspect.isawaitable(answer):
                await answer
    else:
        return Reply("other_type", type(block).__name__)
    return Reply("found")


def _mail(credentials: Any, message: BlockMessage) -> None:
    """Send by the block `email-server-credentials` of the package prefect-email."""
    mail = EmailMessage()
    mail["Subject"] = message.subject
    mail["From"] = credentials.username or message.to[0]
    mail["To"] = ", ".join(message.to)
    mail.set_content(message.body)
    with credentials.get_server() as server:
        server.send_message(mail)
