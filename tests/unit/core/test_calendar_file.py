"""The desk's own days off and working days: what the file may say, and what a wrong one is told."""

from datetime import date, datetime
from pathlib import Path

import pytest

from core.calendar_file import Overrides, read_overrides
from core.models import AppealKind
from core.settings import SettingsError
from core.working_time import MOSCOW, due, is_working_day
from tests.conftest import MakeSettings


def written(folder: Path, text: str) -> Path:
    path = folder / "calendar.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_desk_s_own_days_come_first(make_settings: MakeSettings, tmp_path: Path) -> None:
    path = written(tmp_path, "# наш город\ndays_off = [2026-11-24, 2026-11-25]\nworking_days = [2026-11-28]\n")
    settings = make_settings(calendar_file=str(path))
    days = [date(2026, 11, day) for day in range(23, 30)]
    assert [is_working_day(day, settings) for day in days] == [True, False, False, True, True, True, False]
    received = datetime(2026, 11, 23, 10, tzinfo=MOSCOW)
    assert due(AppealKind.SIMPLE, received, settings) == datetime(2026, 11, 26, 10, tzinfo=MOSCOW)
    assert due(AppealKind.COMPLEX, received, settings) == datetime(2026, 11, 28, 18, tzinfo=MOSCOW)
    assert is_working_day(days[1], make_settings())  # of no other desk


def test_lists_may_be_missing(tmp_path: Path) -> None:
    assert read_overrides(written(tmp_path, "")) == Overrides()
    assert read_overrides(None) == Overrides()


TWO_WEEKS = ", ".join(f"2026-12-{day:02}" for day in range(1, 16))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("days_off = [2026-12-30]\ndays_off = []", "line 2"),
        ("days_off = [\n  2026-12-30,\n  2026-02-30,\n]", "line 3"),
        ("days_off = [2026-12-30", "cannot be read as TOML"),
        (
            'days_off = [\n  2026-12-30,\n  "2026-12-31",\n]',
            "line 3: days_off wants dates without quotes like 2026-12-30, not '2026-12-31'",
        ),
        ("working_days = [\n2026-12-30T10:00:00\n]", "line 2: working_days wants dates"),
        ("days_off = [\n\n5]", "line 3: days_off wants dates"),
        ("working_days = 2026-12-30", "line 1: working_days wants a list"),
        ("days_off = []\nholidays = [2026-12-30]", "line 2: there is no list holidays"),
        ("days_off = [2026-12-30]\n\nworking_days = [\n  2026-12-30\n]", "line 4: 2026-12-30 stands in both lists"),
        ("days_off = [2026-12-30,\n2026-12-30]", "line 2: 2026-12-30 stands in days_off twice"),
        (f"days_off = [{TWO_WEEKS}]", "line 1: more than 14 days off in a row"),
    ],
)
def test_a_wrong_file_ends_the_start_with_its_line(make_settings: MakeSettings, tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        make_settings(calendar_file=str(path))
    told = str(caught.value)
    assert told.startswith("OTKLIK_CALENDAR_FILE: ")
    assert words in told
    assert str(path) in told
    assert "\n" not in told


def test_a_missing_file_ends_the_start(make_settings: MakeSettings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"OTKLIK_CALENDAR_FILE: it wants a file"):
        make_settings(calendar_file=str(tmp_path / "nowhere.toml"))
