"""What the self-check is made of: bait, scripts, judgements, the list, the page about it."""

import json
import os
from pathlib import Path

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes.selfcheck import ROOMS, Verdict, chosen
from docmill.sandboxes.selfcheck.bait import lay
from docmill.sandboxes.selfcheck.base import Outcome, judge
from docmill.sandboxes.selfcheck.page import renewed
from docmill.sandboxes.selfcheck.scripting import outcome_of, run_outside

ATTACKS = [attack for room in ROOMS for attack in room.attacks]
PAGE = Path(__file__).parents[2] / "docs" / "security.md"


@pytest.mark.parametrize(
    ("inside", "outside", "verdict"),
    [
        (False, True, Verdict.CONTAINED),
        (True, True, Verdict.NOT_CONTAINED),
        (True, False, Verdict.NOT_CONTAINED),
        (False, False, Verdict.UNJUDGED),
        (False, None, Verdict.UNJUDGED),
        (None, True, Verdict.UNJUDGED),
    ],
)
def test_a_refusal_counts_only_if_the_control_works(
    inside: bool | None, outside: bool | None, verdict: Verdict
) -> None:
    """What works inside is not contained, whatever the control did."""
    result = judge(
        ATTACKS[0], "room", inside=Outcome(inside, "in"), outside=Outcome(outside, "out")
    )
    assert result.verdict is verdict
    unproven = inside is False and outside is not True
    assert result.evidence == ("in; but here without a sandbox, too: out" if unproven else "in")


@pytest.mark.parametrize(
    ("printed", "code", "reached"),
    [
        ('noise\nselfcheck-outcome [true, "in"]\n', 0, True),
        ('selfcheck-outcome [true, "a"]\nselfcheck-outcome [false, "b"]\n', 0, False),
        ("Traceback …\nNameError: x", 1, None),
        ("", 0, None),
        ("", 137, False),
        ("", 139, None),
    ],
)
def test_a_script_that_says_nothing_proves_nothing(
    printed: str, code: int, reached: bool | None
) -> None:
    """But for one the kernel has killed; its last word counts."""
    assert outcome_of(printed, code).reached is reached


@pytest.mark.parametrize(
    ("script", "reached", "evidence"),
    [
        ('reached("so")', True, "so"),
        ('stopped("not\\nso")', False, "not so"),
        ('open("/none/such")', False, "ENOENT"),
        ("bytearray(1 << 62)", False, "no memory"),
        ("misspelt", None, "NameError"),
        ("x = 1", None, "no end"),
        ("os.kill(os.getpid(), 11)", None, "exit code 139"),
        ('raise OSError(errno.EINVAL, "?")', None, "EINVAL"),
        ('stopped(attempt("personality", -1, allowed="EINVAL"))', True, "personality"),
        ("reached(str(in_child(lambda: 6 * 7)))", True, "42"),
        ('in_child(lambda: open("/none/such"))', False, "ENOENT"),
        ("stopped(in_child(lambda: os.kill(os.getpid(), 9)))", False, "signal 9"),
    ],
)
async def test_scripts_say_how_they_end(
    tmp_path: Path, script: str, reached: bool | None, evidence: str
) -> None:
    """A refusal by the kernel is one; a mistake of the script's is not."""
    async with lay(tmp_path) as bait:
        found = await run_outside(bait, script)
    assert found.reached is reached
    assert evidence in found.evidence


async def test_bait_tells_its_secret_to_who_finds_it_only(tmp_path: Path) -> None:
    """Scripts know its hash; it lies in files, and is gone afterwards with all that was made."""
    before = {path.name for path in Path.home().iterdir()}
    async with lay(tmp_path) as bait:
        facts = bait.facts(inside=True)
        assert bait.secret not in facts
        paths = [Path(path) for path in json.loads(facts)["secrets"]]
        assert any(path.is_relative_to(tmp_path) for path in paths)
        assert all(path.read_text() == bait.secret for path in paths)
        os.kill(bait.victim, 0)
        found = await run_outside(
            bait, 'reached("it") if holds(open("secret", "rb").read()) else 0'
        )
        assert found == Outcome(True, "it")
    assert not any(path.exists() for path in paths)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    assert {path.name for path in Path.home().iterdir()} == before
    with pytest.raises(ProcessLookupError):
        os.kill(bait.victim, 0)


async def test_what_a_killed_check_left_is_removed(tmp_path: Path) -> None:
    """By the next one, an hour later; a check that runs beside it keeps its bait."""
    old, young = tmp_path / "docmill-selfcheck-old", tmp_path / "docmill-selfcheck-young"
    for folder in (old, young):
        (folder / "deep").mkdir(parents=True)
    os.utime(old, (1, 1))
    async with lay(tmp_path):
        assert (old.exists(), young.exists()) == (False, True)


async def test_two_rounds_have_two_secrets(tmp_path: Path) -> None:
    """What a control has found can't be taken for something found inside."""
    async with lay(tmp_path) as one, lay(tmp_path) as other:
        script = 'stopped("another") if not holds(open(PATH, "rb").read()) else reached("same")'
        found = await run_outside(one, script.replace("PATH", repr(str(other.folder / "secret"))))
    assert found.reached is False


def test_every_attack_says_what_it_is() -> None:
    """Names are unique and differ from those of rooms; the sentences are there."""
    names = [attack.name for attack in ATTACKS] + [room.name for room in ROOMS]
    assert len(set(names)) == len(names)
    assert len(ATTACKS) > 100
    for attack in ATTACKS:
        assert attack.tries.endswith(".")
        assert attack.gives.endswith(".")
        assert attack.held_by
        assert "|" not in attack.tries + attack.gives + attack.held_by


def test_a_room_or_an_attack_can_be_chosen() -> None:
    """By name; another name is answered with those that are near."""
    assert chosen(None) == ROOMS
    assert [room.name for room in chosen("files")] == ["files"]
    (room,) = chosen("vsock")
    assert [attack.name for attack in room.attacks] == ["vsock"]
    with pytest.raises(PrerequisiteError, match="no attack and no room 'vsok'") as caught:
        chosen("vsok")
    assert "vsock" in caught.value.remedy


def test_the_page_on_security_names_every_attack() -> None:
    """What it does, what holds it, what it would give: as the list says today."""
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page) == page, "run: python -m docmill.sandboxes.selfcheck.page docs/security.md"
    for attack in ATTACKS:
        assert f"| `{attack.name}` | {attack.tries} |" in page
    with pytest.raises(ValueError, match="no place"):
        renewed("# Security\n")
