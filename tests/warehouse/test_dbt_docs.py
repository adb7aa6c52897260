"""dbt's documentation as one page."""

import pytest

from orchestration.ground.home import Home
from orchestration.warehouse.dbt_docs import write


@pytest.mark.heavy
def test_the_page_holds_every_table_with_its_contract_and_leaves_the_warehouse_alone(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    page = write(home)
    assert page == tmp_path / "docs" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert "model.comeback.carts" in text
    assert "A visitor's basket from the add that fills it" in text
    assert not home.warehouse.exists()
