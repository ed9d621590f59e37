"""The page of the next days: what comes, what a change would do, within its bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from ntm_workflow import runtime, settings
from ntm_workflow.chase import forecast
from ntm_workflow.runtime import Runtime
from ntm_workflow.store.tables import Notice
from ntm_workflow.web import forecast_pages
from ntm_workflow.web.app import create_app
from tests.scene import Scene
from tests.web.web_office import DAY, Person, plain, statements


def test_the_page_tells_what_then_comes_by_day_and_recipient(an: Person, town: Runtime) -> None:
    assert 'href="/du-bao"' in an.open("/thong-bao").text
    text = an.text("/du-bao?so-ngay=7")
    found = forecast.forecast(town, 7)
    assert "Từ 22/6/2020 đến 29/6/2020" in text
    assert "Theo ngày" in text
    assert "Theo người nhận" in text
    queued = Scene(town).remind(DAY)
    first = [mail for mail in found.mails if (mail.day, mail.kind) == (DAY, "digest")]
    assert (len(first), sum(mail.items for mail in first)) == (queued.notices, queued.items)


def test_looking_writes_nothing(an: Person, town: Runtime) -> None:
    an.open("/du-bao?bac=truoc&bac-ngay=10&ngay=30/6/2020&la=nghi")
    with town.reader() as session:
        assert session.scalar(select(func.count()).select_from(Notice)) == 0


def test_a_rung_and_an_ordered_day_are_tried_on_the_page(an: Person) -> None:
    text = an.text("/du-bao?bac=truoc&bac-ngay=5")
    assert "Nếu thay đổi như vậy: thêm" in text
    assert "Trước hạn 5 ngày" in text
    assert "bớt" in an.text("/du-bao?ngay=30/6/2020&la=nghi")


@pytest.mark.parametrize("query", ["bac-ngay=x", "bac-ngay=0", "ngay=30/2/2020", "ngay=27/6/2020"])
def test_what_cannot_be_tried_is_said_and_the_forecast_stays(an: Person, query: str) -> None:
    page = an.open(f"/du-bao?{query}")
    assert page.status_code == 422
    assert "Chưa dự báo được" in plain(page.text)
    assert "Theo ngày" in page.text


def test_too_many_tasks_are_left_to_the_command(
    an: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast_pages, "MOST_TASKS", 10)
    page = an.open("/du-bao")
    assert page.status_code == 422
    assert "ntm forecast --days 30" in page.text


def test_the_real_database_is_asked_once_for_each_table_however_long(
    an: Person, town: Runtime
) -> None:
    counts: list[Any] = []
    for days in (7, 90):
        with statements(town) as sent:
            assert an.open(f"/du-bao?so-ngay={days}").status_code == 200
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 36


def test_without_any_plan_the_page_says_so(tmp_path: Path) -> None:
    environ = {"NTM_VAR": str(tmp_path), "NTM_ROOT": str(tmp_path)}
    rt = runtime.load(settings.load(environ), may_be_empty=True)
    nobody = Person(create_app(rt), rt)
    for path in ("/du-bao", "/don-doc"):
        page = nobody.open(path)
        assert page.status_code == 200
        assert "chưa có kế hoạch" in plain(page.text).lower()
    rt.engine.dispose()
