"""What came of a run's hand-overs and notices, after `run` and in `runs show`."""

from collections.abc import Sequence

from docmill.cli.console import inert, put, talk
from docmill.records.deliveries import Delivery

SIGNS = {"done": "✓", "failed": "✗", "pending": "…"}
AGAIN = {"notice": "docmill notify", "results": "docmill results"}


def put_deliveries(deliveries: Sequence[Delivery]) -> None:
    """A line for each."""
    for each in deliveries:
        put(f"  {each.kind:<10} {line(each)}")


def tell_failures(run: str, deliveries: Sequence[Delivery]) -> None:
    """After a run: what could not be delivered, and how to do it again."""
    failed = [each for each in deliveries if each.state == "failed"]
    for each in failed:
        talk(f"\n{each.kind} not delivered: {line(each)}")
    for kind in dict.fromkeys(each.kind for each in failed):
        talk(f"Again: {AGAIN[kind]} {run}")


def line(delivery: Delivery) -> str:
    """What came of one: `✓ webhook https://hooks.example/docmill: status 204`."""
    detail = delivery.detail or ("not tried" if delivery.state == "pending" else "")
    tries = f", {delivery.attempts} attempts" if delivery.attempts > 1 else ""
    return inert(f"{SIGNS[delivery.state]} {delivery.target}: {detail}{tries}".rstrip(": "))
