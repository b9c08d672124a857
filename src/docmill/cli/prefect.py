"""`docmill prefect start|stop|status`: the workspace's own server."""

from typing import Any

from docmill.batch.state import server_settings
from docmill.cli.console import put, put_json, talk
from docmill.cli.workspace import here
from docmill.flow import server
from docmill.flow.address import ServerAddress


def start(*, json: bool) -> None:
    """Start the server and say where it is."""
    loaded, settings = here()
    address = server.ensure(server_settings(loaded, settings))
    if json:
        put_json(_described(address))
        return
    if address.started:
        talk(f"Ready after {address.seconds:.1f} s.")
    _say_where(address)


def stop(*, json: bool) -> None:
    """Stop the server."""
    loaded, settings = here()
    stopped = server.stop(server_settings(loaded, settings))
    if json:
        put_json({"stopped": stopped})
    else:
        talk("Stopped." if stopped else "There was no server to stop.")


def status(*, json: bool) -> None:
    """Say whether it runs."""
    loaded, settings = here()
    wanted = server_settings(loaded, settings)
    if wanted.api_url:
        answer: dict[str, Any] = {"running": None, "api_url": wanted.api_url, "external": True}
        text = f"PREFECT_API_URL names another server: {wanted.api_url}"
    else:
        found = server.status(wanted)
        answer = {"running": found.running, "pid": found.pid, "prefect": found.prefect}
        text = "It is starting." if found.starting else "No server runs; a run starts one."
        if found.address:
            answer |= _described(found.address)
            text = ""
            if not json:
                put(f"Prefect {found.prefect}, process {found.pid}")
                _say_where(found.address)
    if json:
        put_json(answer)
    elif text:
        put(text)


def _described(address: ServerAddress) -> dict[str, Any]:
    return {"api_url": address.api_url, "ui_url": address.ui_url, "started": address.started}


def _say_where(address: ServerAddress) -> None:
    put(f"UI   {address.ui_url}")
    put(f"API  {address.api_url}")
    if address.auth:
        put(f"Log in with the text in {address.folder / 'auth'}")
