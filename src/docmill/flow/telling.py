"""Says in Prefect's events how a run ended, for automations to react to.

Inside the flow run, when its report is written; what is said is the job's (`Published.events`).
"""

from prefect.events import emit_event

from docmill.flow.job import Job, RunEvent


def emit_run_events(job: Job, events: tuple[RunEvent, ...]) -> None:
    """One event of Prefect for each; Prefect adds the flow run, and sends them by and by."""
    for each in events:
        emit_event(
            event=f"docmill.run.{each.name}",
            resource={
                "prefect.resource.id": f"docmill.run.{job.name}.{job.run_id}",
                "prefect.resource.name": f"{job.name} {job.run_id}",
                "docmill.pipeline": job.name,
                "docmill.run": job.run_id,
            },
            related=[
                {
                    "prefect.resource.id": f"docmill.pipeline.{job.name}",
                    "prefect.resource.role": "pipeline",
                    "prefect.resource.name": job.name,
                }
            ],
            payload=each.payload,
        )
