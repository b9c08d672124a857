"""Which documents share a task in Prefect, and what the task says of them."""

from scripted_job import documents

from docmill.flow.grouping import MANY, ONE_BY_ONE, Group, grouped


def sizes(number: int) -> list[int]:
    """How many documents the groups of such a batch have."""
    return [len(group.documents) for group in grouped(documents(number))]


def test_a_small_batch_is_not_grouped() -> None:
    """Up to fifty documents each have a task of their own."""
    assert grouped(documents(0)) == []
    assert grouped(documents(ONE_BY_ONE)) == []


def test_groups_are_larger_in_larger_batches() -> None:
    """Ten documents share a task, from a thousand on twenty-five; the last group takes the rest."""
    assert sizes(64) == [10, 10, 10, 10, 10, 10, 4]
    assert set(sizes(MANY)) == {25}


def test_no_group_has_one_document() -> None:
    """ "And 0 more" helps nobody."""
    assert sizes(51) == [10, 10, 10, 10, 11]


def test_every_document_is_in_one_group_and_keeps_its_place() -> None:
    """Groups are cut from the batch in its order."""
    batch = documents(123)
    assert [each for group in grouped(batch) for each in group.documents] == batch


def test_a_groups_key_is_that_of_its_documents() -> None:
    """Equal documents, equal key; one document else, another key."""
    assert Group(documents(10)).key == Group(documents(10)).key
    assert Group(documents(10)).key != Group(documents(9)).key


def test_a_group_says_which_of_its_documents_did_not_end_well() -> None:
    """With status and code, so that Prefect's UI alone tells where to look."""
    batch = documents(5)
    group = Group(batch)
    assert group.name == "in/0.pdf and 4 more"
    group.note(batch[0], "ok")
    group.note(batch[3], "failed", code="document_corrupt")
    group.note(batch[1], "ok")
    group.note(batch[2], "invalid")
    assert not group.ended.is_set()
    assert group.summary() == (
        "2 ok, 1 failed, 1 invalid, 1 not done: "
        "in/3.pdf failed (document_corrupt), in/2.pdf invalid"
    )
    group.note(batch[4], "ok")
    assert group.ended.is_set()


def test_a_message_names_ten_documents_at_most() -> None:
    """The others are counted."""
    batch = documents(25)
    group = Group(batch)
    for document in batch:
        group.note(document, "failed")
    assert group.summary().startswith("25 failed: in/0.pdf failed, in/1.pdf failed,")
    assert group.summary().endswith("in/9.pdf failed, and 15 more")
