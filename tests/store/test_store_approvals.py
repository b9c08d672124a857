"""Questions to a person: put, answered once, found again."""

from sqlalchemy import Engine

from docmill.store.approvals import Approvals, Decided, Question
from docmill.store.sessions import SessionStore


def put(engine: Engine, call: str = "c1") -> Question:
    """A question of a session that is open."""
    session = SessionStore(engine).create(key="k", run=7, document="doc-1")
    question = Question(
        session=session,
        call=call,
        run=7,
        document="doc-1",
        server="crm",
        tool="order",
        input={"serial": "A-1"},
    )
    Approvals(engine).ask(question, minutes=5)
    return question


def test_a_question_waits_for_one_answer(engine: Engine) -> None:
    """The first counts, also where time and a person answer at once."""
    store, question = Approvals(engine), put(engine)
    (waiting,) = store.waiting(run=7)
    assert (waiting.tool, waiting.input, waiting.name) == ("order", {"serial": "A-1"}, "doc-1")
    assert store.decided(question.session, "c1") is None
    assert store.decide(question.session, "c1", "deny", reason="No.")
    assert not store.decide(question.session, "c1", "allow")
    assert store.decided(question.session, "c1") == Decided("deny", "No.")
    assert store.waiting() == []


def test_asking_again_gives_new_time_but_forgets_no_answer(engine: Engine) -> None:
    """A session that goes on after a crash puts its questions again."""
    store, question = Approvals(engine), put(engine)
    (before,) = store.waiting()
    store.ask(question, minutes=500)
    (after,) = store.waiting()
    assert after.until > before.until
    store.decide(question.session, "c1", "allow")
    store.ask(question, minutes=5)
    assert store.decided(question.session, "c1") == Decided("allow", "")


def test_questions_of_sessions_that_are_over_wait_no_more(engine: Engine) -> None:
    """Nobody would hear the answer."""
    store, question = Approvals(engine), put(engine)
    assert store.waiting(run=8) == []
    SessionStore(engine).close(question.session)
    assert store.waiting() == []
