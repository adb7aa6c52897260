"""Which columns each column of dbt's tables is made from: what is kept, and what is left out."""

import json
import logging

import pytest

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import column_lineage

COUNTS, ORDERS = "model.shop.counts", "source.shop.raw.orders"
MANIFEST = {
    "sources": {
        ORDERS: {
            "resource_type": "source",
            "unique_id": ORDERS,
            "schema": "raw",
            "name": "orders",
            "columns": {"order_id": {}, "total": {}},
        }
    },
    "nodes": {
        COUNTS: {
            "resource_type": "model",
            "unique_id": COUNTS,
            "schema": "main",
            "name": "counts",
            "columns": {"file": {}, "worth": {}},
        }
    },
}
SQL = 'select _load_id as file, sum(total) as worth from "memory"."raw"."orders" group by 1'


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    (home.dbt / "fingerprint").write_text("one")
    return home


def test_it_names_dbts_tables_and_what_landing_adds_to_them():
    assert column_lineage.lineage_of(MANIFEST, {COUNTS: SQL}) == {
        COUNTS: {"file": [(ORDERS, "_load_id")], "worth": [(ORDERS, "total")]}
    }


def test_a_model_that_cannot_be_read_has_none_and_the_others_have(caplog):
    broken = "model.shop.broken"
    with caplog.at_level(logging.WARNING):
        found = column_lineage.lineage_of(MANIFEST, {broken: "select from from", COUNTS: SQL})
    assert [*found] == [COUNTS]
    assert "No lineage of the columns of model.shop.broken: ParseError" in caplog.text
    assert "\x1b" not in caplog.text


def test_it_is_read_once_for_a_project_and_settings(home, monkeypatch):
    compiled = []

    def compile_it(*given: object) -> dict[str, str]:
        compiled.append(given)
        return {COUNTS: SQL}

    monkeypatch.setattr(column_lineage, "_compiled", compile_it)
    first = column_lineage.column_lineage(home, Settings(), MANIFEST)
    again = column_lineage.column_lineage(home, Settings(), MANIFEST)
    assert json.dumps(first) == json.dumps(again)
    assert len(compiled) == 1
    (home.dbt / "fingerprint").write_text("another")
    column_lineage.column_lineage(home, Settings(), MANIFEST)
    assert len(compiled) == 2


def test_a_project_that_cannot_be_compiled_has_none(home, monkeypatch, caplog):
    def fail(*_: object) -> dict[str, str]:
        raise ComebackError("dbt stopped", "in the dbt project", "correct it")

    monkeypatch.setattr(column_lineage, "_compiled", fail)
    with caplog.at_level(logging.WARNING):
        assert column_lineage.column_lineage(home, Settings(), MANIFEST) == {}
    assert "No lineage of columns: dbt stopped, in the dbt project, correct it" in caplog.text
    assert not (home.dbt / "column_lineage.json").exists()
