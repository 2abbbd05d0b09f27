"""A first pipeline from a file that somebody has: every guess is checked by `vintage check`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from vintage.cli.main import app
from vintage.errors import SpecError
from vintage.spec import Home, load_pipeline

if TYPE_CHECKING:
    from pathlib import Path

DAYS = ("2024-05-01", "2024-05-02")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.chdir(path)
    monkeypatch.delenv("VINTAGE_HOME", raising=False)
    return path


def rows() -> pd.DataFrame:
    """Two days of the same orders, with gaps in one column and text in another."""
    table = [
        {"day": day, "order_id": order, "country": ("DE", "it's")[order % 2], "amount": order * 1.5}
        | {"age": None if order % 4 == 0 else 20 + order, "returned": order % 3 == 0, "note": f"text {order}"}
        for day in DAYS
        for order in range(30)
    ]
    return pd.DataFrame(table).astype({"age": "Int64"})


def said(*words: str) -> str:
    answer = CliRunner().invoke(app, words, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_pipelines_of_three_formats_are_right_as_they_are_written(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = rows()
    table.to_csv(home / "orders.csv", index=False, na_rep="NA")
    table.assign(day=pd.to_datetime(table["day"])).to_parquet(home / "prices.parquet", index=False)
    table.drop(columns="day").head(30).to_json(home / "things.json", orient="records")
    text = said("init", "orders", "orders.csv", "--label", "returned")
    assert "order_id" in text
    assert "vintage run orders --date 2024-05-02" in text
    said("init", "prices", "prices.parquet", "--label", "amount")
    made = json.loads(
        said("init", "things", "things.json", "--label", "country", "--date", "2024-06-01", "--json")
    )
    assert (made["date_column"], made["dates"], made["key"]) == (None, ["2024-06-01"], ["order_id"])
    monkeypatch.setenv("VINTAGE_HOME", str(home))
    assert "3 pipelines and 3 suites" in said("check")
    found = Home.from_environment({"VINTAGE_HOME": str(home)})
    orders, prices, things = (load_pipeline(found, name) for name in ("orders", "prices", "things"))
    assert orders.source.options["nullValue"] == "NA"
    assert "day DATE, order_id INT, country STRING, amount DOUBLE, age INT, returned BOOLEAN" in str(
        yaml.safe_load((home / "pipelines" / "orders.yaml").read_text())["source"]["schema"]
    )
    assert list(orders.preprocess.key) == ["order_id"]
    assert next(each.type for each in orders.stages) == "Imputer"
    assert (orders.task, prices.task, things.task) == ("classification", "regression", "classification")
    assert sorted(each.name for each in (home / "raw" / "orders").iterdir()) == [
        f"date={day}" for day in DAYS
    ]
    # Nothing is overwritten.
    with pytest.raises(SpecError, match=r"orders\.yaml exists"):
        said("init", "orders", "orders.csv")


@pytest.mark.parametrize(
    ("name", "text", "schema", "separator"),
    [
        ("a.csv", "id;price\n1;1.5\n2;2.5\n", "id INT, price DOUBLE", ";"),
        ("a.tsv", "id\tprice\n1\t1.5\n2\t2.5\n", "id INT, price DOUBLE", "\t"),
        ("a.csv", "id,ID,price\n1,1,1.5\n2,1,2.5\n", "id INT, price DOUBLE", None),
        ("a.csv", "date,co2\n19580329,316.1\n19580405,\n19580412,317.6\n", "date INT, co2 DOUBLE", None),
    ],
)
def test_files_of_other_kinds(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, schema: str, separator: str | None
) -> None:
    (home / name).write_text(text, encoding="utf-8")
    said("init", "things", name)
    monkeypatch.setenv("VINTAGE_HOME", str(home))
    assert "no problems" in said("check")
    source = load_pipeline(Home.from_environment({"VINTAGE_HOME": str(home)}), "things").source
    assert (source.schema_ddl, source.options.get("sep")) == (schema, separator)
    [sample] = (home / "raw" / "things").rglob("*.csv")
    assert sample.read_text().splitlines()[0] == (separator or ",").join(
        each.split()[0] for each in schema.split(", ")
    )


@pytest.mark.parametrize("text", ["price\n1.5\n2.5\n", "a b,price\n1,1.5\n1,2.5\n"])
def test_a_label_alone_teaches_nothing(home: Path, text: str) -> None:
    (home / "a.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match="no column to predict price from"):
        said("init", "things", "a.csv")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("orders", "orders.csv", "--label", "retuned"), 'did you mean "returned"'),
        (("orders", "orders.xlsx"), "no file to start from"),
        (("Orders", "orders.csv"), "cannot name a pipeline"),
        (("orders", "empty.csv"), "has no rows"),
    ],
)
def test_what_cannot_be_started_from_is_told(home: Path, words: tuple[str, ...], told: str) -> None:
    rows().to_csv(home / "orders.csv", index=False)
    (home / "empty.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        said("init", *words)
    assert told in str(raised.value)
    assert not (home / "pipelines").exists()
