"""What Prefect's UI shows of a finished run: its report, its documents as a table, its files.

`runner` has them made when the report is written; `progress` is the bar before that.
"""

import json
import re
import socket
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate

from docmill.flow.job import Published


def artifact_key(name: str, what: str) -> str:
    """A pipeline's name, and what of it, as Prefect's artifact keys have to be: `[a-z0-9-]+`."""
    return f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-{what}"


async def show_results(
    client: PrefectClient, published: Published, *, name: str, run_id: str, flow_run: UUID
) -> None:
    """Make the artifacts of a run; each pipeline has one of each key, with a history."""
    wanted = [ArtifactCreate(type="markdown", key="report", data=published.markdown)]
    if published.rows:
        rows = json.dumps(list(published.rows), ensure_ascii=False)
        wanted.append(ArtifactCreate(type="table", key="documents", data=rows))
    files = _files(published)
    if files:
        wanted.append(ArtifactCreate(type="markdown", key="files", data=files))
    for artifact in wanted:
        assert artifact.key
        artifact.key = artifact_key(name, artifact.key)
        artifact.description = run_id
        artifact.flow_run_id = flow_run
        await client.create_artifact(artifact)


def _files(published: Published) -> str:
    """A link artifact in Prefect's sense: markdown with links; empty if there is nothing."""
    folder = published.folder
    if "://" in folder:
        return f"[{folder}]({folder})"
    place = Path(folder)
    files = sorted(path for path in place.glob("report.*") if path.is_file())
    if not files:
        return ""
    links = "\n".join(f"- [{file.name}]({file.absolute().as_uri()})" for file in files)
    return f"On {socket.gethostname()}, in `{place}`:\n\n{links}"
