"""What was owed of a run and what became of it, on both kinds of store."""

from sqlalchemy import Engine

from docmill.records.deliveries import Delivery
from docmill.store.deliveries import DeliveryLog


def test_a_delivery_stands_as_it_was_last(engine: Engine) -> None:
    """Hand-overs come first, each in its place; other runs' are their own."""
    log = DeliveryLog(engine)
    notices = [Delivery(kind="notice", position=at, target=f"webhook {at}") for at in (0, 1)]
    results = Delivery(kind="results", position=0, target="out")
    log.put(7, notices)
    log.put(7, [results])
    log.put(8, [notices[0]])
    failed = notices[1].model_copy(update={"state": "failed", "detail": "status 404"})
    log.put(7, [failed])
    assert log.of_run(7) == (results, notices[0], failed)
    assert log.of_run(8) == (notices[0],)
    assert log.of_run(9) == ()
