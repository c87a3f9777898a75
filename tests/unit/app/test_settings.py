"""Where settings come from, and which wins."""

from pathlib import Path

import pytest

from forebay.app import settings
from forebay.app.settings import SettingsRejected


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_flags_win_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forebay.toml").write_text("workers = 2\nplatform_port = 2\ncollection_port = 2\n")
    monkeypatch.setenv("FOREBAY_PLATFORM_PORT", "3")
    monkeypatch.setenv("FOREBAY_COLLECTION_PORT", "3")

    chosen = settings.load(collection_port=4)

    assert (chosen.workers, chosen.platform_port, chosen.collection_port) == (2, 3, 4)
    assert chosen.host == "127.0.0.1"


def test_the_limit_of_synchronous_validation_has_its_documented_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOREBAY_SYNC_VALIDATION_PER_MINUTE", "0")

    assert settings.load().sync_validation_per_minute == 0


def test_nested_settings_are_reached_with_two_underscores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FOREBAY_LAKE__FLUSH_SECONDS", "1.5")

    assert settings.load().lake.flush_seconds == 1.5


@pytest.mark.parametrize(
    ("file", "named"),
    [("wrokers = 2", "wrokers"), ("workers = 0", "workers"), ("[log]\nx = 1", "log.x")],
)
def test_a_wrong_setting_is_named(tmp_path: Path, file: str, named: str) -> None:
    (tmp_path / "forebay.toml").write_text(file)

    with pytest.raises(SettingsRejected, match=named):
        settings.load()


def test_inlets_begin_with_the_public_address() -> None:
    public = settings.load(public_collection_url="https://inlets.example.com/")

    assert public.collection_base == "https://inlets.example.com"
    assert settings.load(host="::1").collection_base == "http://[::1]:8081"


def test_other_commands_find_the_server_that_was_started(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "run").mkdir(parents=True)
    settings.remember(settings.load(data=data, platform_port=1234), data)

    found = settings.recall(settings.load(data=data))
    chosen = settings.recall(settings.load(data=data, platform_port=99))

    assert found.platform_base == "http://127.0.0.1:1234"
    assert chosen.platform_base == "http://127.0.0.1:99"
