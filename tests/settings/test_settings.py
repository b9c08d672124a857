"""The environment is read once, into one frozen object."""

import pytest

from docmill.errors import PrerequisiteError
from docmill.settings import Settings, known_settings, load_settings


def test_an_empty_environment_means_the_defaults() -> None:
    """The first run needs nothing."""
    assert load_settings({}) == Settings()


def test_variables_are_read() -> None:
    """Each known variable sets its own field."""
    settings = load_settings(
        {
            "DOCMILL_WORKSPACE": "/srv/ws",
            "DOCMILL_SANDBOX": "Docker",
            "DOCMILL_CONCURRENCY": "8",
            "DOCMILL_PREFECT_IDLE_MINUTES": "0.5",
            "DOCMILL_EGRESS_PRIVATE": "10.1.0.0/16, fd00:1::/32",
            "DOCMILL_DEBUG": "1",
            "PREFECT_API_URL": "http://127.0.0.1:4200/api",
            "NO_COLOR": "1",
        }
    )
    assert str(settings.workspace) == "/srv/ws"
    assert (settings.sandbox, settings.concurrency) == ("docker", 8)
    assert (settings.prefect_idle_minutes, settings.debug, settings.color) == (0.5, True, False)
    assert [str(network) for network in settings.egress_private] == ["10.1.0.0/16", "fd00:1::/32"]
    assert settings.prefect_api_url == "http://127.0.0.1:4200/api"


@pytest.mark.parametrize(
    ("environ", "color"),
    [({}, None), ({"NO_COLOR": ""}, None), ({"FORCE_COLOR": "1"}, True)],
)
def test_colour_is_asked_of_the_terminal_unless_told(
    environ: dict[str, str], color: bool | None
) -> None:
    """NO_COLOR counts when it is not empty, FORCE_COLOR after it."""
    assert load_settings(environ).color is color


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DOCMILL_SANDBOX", "chroot"),
        ("DOCMILL_CONCURRENCY", "0"),
        ("DOCMILL_CONCURRENCY", "²"),
        ("DOCMILL_CONCURRENCY", "many"),
        ("DOCMILL_PREFECT_IDLE_MINUTES", "-1"),
        ("DOCMILL_PREFECT_IDLE_MINUTES", "nan"),
        ("DOCMILL_PREFECT_IDLE_MINUTES", "soon"),
        ("DOCMILL_EGRESS_PRIVATE", "10.1.2.3/16"),
        ("DOCMILL_EGRESS_PRIVATE", "intranet.example"),
        ("DOCMILL_DEBUG", "maybe"),
    ],
)
def test_a_value_without_meaning_is_refused(name: str, value: str) -> None:
    """The error names the variable and how to mend it."""
    with pytest.raises(PrerequisiteError, match=name) as caught:
        load_settings({name: value})
    assert f"unset {name}" in caught.value.remedy


def test_unknown_variables_are_kept_for_the_doctor() -> None:
    """A misspelt variable is no error, as other programs may use the prefix, but it is told."""
    settings = load_settings({"DOCMILL_SANDBOXX": "docker", "HOME": "/root"})
    assert settings.unknown == ("DOCMILL_SANDBOXX",)
    assert "DOCMILL_SANDBOX" in known_settings()


def test_secrets_are_named_by_specs_and_never_shown() -> None:
    """A variable a spec names can be read; printing the settings doesn't print it."""
    settings = load_settings({"MY_KEY": "s3cret", "EMPTY": ""})
    assert settings.secret("MY_KEY") == "s3cret"
    assert settings.secret("EMPTY") is None
    assert "s3cret" not in repr(settings)


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument the process's own environment is read."""
    monkeypatch.setenv("DOCMILL_CONCURRENCY", "3")
    assert load_settings().concurrency == 3


def test_a_database_is_never_shown_with_its_password() -> None:
    """Nor is it in what a debugger or a traceback prints."""
    settings = load_settings({"DOCMILL_DATABASE_URL": " postgresql://u:s3cret@db.example/d "})
    assert settings.database_url == "postgresql://u:s3cret@db.example/d"
    assert "s3cret" not in repr(settings)
    assert settings.unknown == ()
