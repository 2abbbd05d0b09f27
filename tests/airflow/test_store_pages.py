"""The plugin of Airflow's web server shows pages of the store, confined, to who may see the pipeline."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from tests.airflow.conftest import write_home
from vintage.airflow import store_pages
from vintage.spec.page_policy import POLICY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    from airflow.api_fastapi.core_api.security import get_user

    home = write_home(tmp_path / "home")
    monkeypatch.setenv("VINTAGE_HOME", str(home))
    folder = home / "data" / "store" / "tiny" / "reports"
    folder.mkdir(parents=True)
    (folder / "a b.html").write_text("<p>a page", encoding="utf-8")
    (folder / "secret.json").write_text("{}", encoding="utf-8")
    (folder.parents[1] / "other.html").write_text("of nobody", encoding="utf-8")
    (folder / "link.html").symlink_to(folder.parents[1] / "other.html")
    may = SimpleNamespace(
        is_authorized_dag=lambda *, method, details, user: (
            (method, user) == ("GET", "ada") and details.id in {"retrain_tiny", "score_tiny"}
        )
    )
    monkeypatch.setattr(store_pages, "get_auth_manager", lambda: may)
    monkeypatch.setitem(store_pages.app.dependency_overrides, get_user, lambda: "ada")
    return TestClient(store_pages.app)


@pytest.mark.fault(
    "a page of the store in Airflow's web server, whatever the data in it",
    outcome="no script but Vintage's own, no connection",
)
def test_a_page_is_confined(asking: TestClient) -> None:
    page = asking.get("/store/tiny/reports/a%20b.html")
    assert (page.status_code, page.text) == (200, "<p>a page")
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "allow-same-origin" not in policy
    assert policy.endswith(POLICY)
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.fault(
    "a path out of the store, or a link, asked of Airflow's web server",
    outcome="404; 403 to who may not see the pipeline",
)
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("tiny/reports/secret.json", 404),
        ("tiny/reports/link.html", 404),
        ("tiny/..%2Fother.html", 404),
        ("tiny/%2Fetc%2Fpasswd", 404),
        ("tiny/reports/none.html", 404),
        ("..%2Ftiny/reports/a%20b.html", 403),
        ("other/a.html", 403),
        ("%3Cimg%20src=x%20onerror=alert(1)%3E/a.html", 403),
    ],
)
def test_nothing_else_is_shown(asking: TestClient, path: str, code: int) -> None:
    answer = asking.get(f"/store/{path}")
    assert answer.status_code == code
    assert answer.headers["Content-Type"] == "application/json"


def test_the_digest_is_for_who_may_see_every_pipeline(asking: TestClient, tmp_path: Path) -> None:
    store = tmp_path / "home" / "data" / "store"
    assert asking.get("/store/index.html").status_code == 404
    (store / "index.html").write_text("<p>all", encoding="utf-8")
    (store / ".aside").mkdir()
    page = asking.get("/store/index.html")
    assert (page.status_code, page.text) == (200, "<p>all")
    assert page.headers["Content-Security-Policy"].endswith(POLICY)
    (store / "other").mkdir()
    assert asking.get("/store/index.html").status_code == 403


def test_a_run_leads_to_its_pages(asking: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed = {("evaluate", "_link_Report"): "/vintage/store/tiny/r.html", ("validate", "_link_DataDocs"): ""}
    pushed |= {("monitor", "_link_Drift"): "/vintage/store/tiny/reports/drift.html"}
    monkeypatch.setattr(store_pages, "_pushed", lambda dag, run, task, key: pushed[task, key])
    answer = asking.get("/run/retrain_tiny/manual__1/report", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (307, "/vintage/store/tiny/r.html")
    none = asking.get("/run/retrain_tiny/manual__1/data_docs")
    assert "validate has written none in this run" in none.text
    assert none.headers["Content-Security-Policy"].endswith(POLICY)
    drift = asking.get("/run/retrain_tiny/manual__1/drift", follow_redirects=False)
    assert drift.headers["Location"] == "/vintage/store/tiny/reports/drift.html"
    assert asking.get("/run/retrain_tiny/manual__1/others").status_code == 404
    assert asking.get("/run/retrain_other/manual__1/report").status_code == 403
    pushed |= {("monitor", "_link_Drift"): "", ("evaluate", "_link_Report"): ""}
    for run, page, dag in (("retrain", "drift", "score_tiny"), ("score", "report", "retrain_tiny")):
        elsewhere = asking.get(f"/run/{run}_tiny/manual__1/{page}")
        assert f"no task of {run}_tiny writes one; the runs of {dag} have it" in elsewhere.text


def test_the_pages_are_tabs_of_a_run() -> None:
    views = store_pages.StorePages.external_views
    assert [(view["name"], view["destination"]) for view in views] == [
        ("Report", "dag_run"),
        ("Data Docs", "dag_run"),
        ("Drift", "dag_run"),
    ]
