"""Where a package's files lie, as the pages of an index say it."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.errors import PrerequisiteError
from docmill.records.egress import Egress
from docmill.sandboxes.building.links import places
from docmill.sandboxes.building.way import explained

PAGE = "https://index.example/simple/x/"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<a href="x-1.whl">x</a>', {"https://index.example"}),
        ('<a href="../../files/x-1.whl#sha256=0">x</a>', {"https://index.example"}),
        ('<a href="//files.example/x-1.whl">', {"https://files.example"}),
        ('<A HREF="http://me:pw@files.example:81/x">', {"http://files.example:81"}),
        ('<base href="https://b.example/"><a href="x-1.whl">', {"https://b.example"}),
        ('<a href="file:///etc/passwd"><a href="ftp://f.example/x"><a>', set[str]()),
        ('<link href="https://style.example/x.css">', set[str]()),
        ('<a href="http://[::1">', set[str]()),
        (
            json.dumps({"files": [{"url": "https://f.example/x"}, {"url": "y-1.whl"}]}),
            {"https://f.example", "https://index.example"},
        ),
        (
            json.dumps({"versions": {"1": {"dist": {"tarball": "https://t.example/x.tgz"}}}}),
            {"https://t.example"},
        ),
        (json.dumps({"versions": {}}), set[str]()),
    ],
)
def test_links_lead_to_places(body: str, found: set[str]) -> None:
    """In both forms of Python's indexes, and as npm's registries have it."""
    assert places(PAGE, body.encode()) == found


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.from_type(dict[str, str]).map(json.dumps).map(str.encode)
)
def test_any_bytes_are_a_page(body: bytes) -> None:
    """Or none, in a way that the program expects; every place is one of the web."""
    with suppress(ValueError, TypeError, AttributeError):
        assert all(place.startswith(("http://", "https://")) for place in places(PAGE, body))


def decision(host: str, verdict: str, reason: str = "", received: int = 0) -> Egress:
    """What the broker has recorded."""
    return Egress.model_validate(
        {
            "method": "GET",
            "host": host,
            "port": 443,
            "verdict": verdict,
            "reason": reason,
            "received": received,
        }
    )


def test_a_failed_download_is_explained_by_what_the_broker_decided() -> None:
    """Refusals first, then hosts that don't answer; else the manager's own words, and all of it."""
    error = PrerequisiteError("It failed.", remedy="mend it")
    assert explained(error, (), see="pip config list") is error
    fine = [decision("i.example", "allowed"), decision("f.example", "failed", "broken_off", 9)]
    told = explained(error, [*fine, *fine], see="pip config list")
    assert told.message == (
        "It failed. Asked for: i.example:443 allowed 2 times; f.example:443 allowed 2 times."
    )
    assert told.remedy == "mend it"
    away = decision("i.example", "failed", "connect_failed")
    assert "can't be reached" in explained(error, [away], see="pip config list").message
    assert "can't be reached" not in explained(error, [*fine, away], see="").message
    evil = decision("evil.example", "refused", "host_not_allowed")
    told = explained(error, [*fine, evil], see="")
    assert told.message.startswith("A download from evil.example:443 was refused")
    assert "evil.example:443 refused (host_not_allowed)" in told.message
