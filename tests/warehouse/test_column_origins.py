"""Which columns the columns of a query are made from, by hand."""

import pytest
from sqlglot.errors import SqlglotError

from orchestration.warehouse.column_origins import Tables

TABLES = Tables(
    {
        ("main", "carts"): ["cart_id", "visitor_id", "price", "quantity", "closed_at", "items"],
        ("main", "orders"): ["order_id", "visitor_id", "total", "ordered_at"],
        ("raw", "files"): ["file", "rows_read"],
    }
)


def origins(sql: str) -> dict[str, set[str]]:
    return {
        name: {f"{each.table}.{each.column}" for each in found}
        for name, found in TABLES.origins(sql).items()
    }


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("price * quantity", {"carts.price", "carts.quantity"}),
        ("case when closed_at is null then price end", {"carts.closed_at", "carts.price"}),
        ("count(*)", set()),
        ("count(distinct cart_id)", {"carts.cart_id"}),
        ("sum(price) filter (where closed_at is null)", {"carts.price", "carts.closed_at"}),
        (
            "sum(price) over (partition by visitor_id order by cart_id)",
            {"carts.price", "carts.visitor_id", "carts.cart_id"},
        ),
        ("sum(price) over earlier", {"carts.price", "carts.visitor_id", "carts.closed_at"}),
        ("list_transform(items, each -> each + quantity)", {"carts.items", "carts.quantity"}),
        ("struct_pack(a := price).a", {"carts.price"}),
        ("(select max(total) from main.orders)", {"orders.total"}),
        (
            "(select max(total + carts.price) from main.orders)",
            {"orders.total", "carts.price"},
        ),
        (
            "exists (select 1 from main.orders where orders.visitor_id = carts.visitor_id)",
            {"orders.visitor_id", "carts.visitor_id"},
        ),
        (
            "visitor_id in (select orders.visitor_id from main.orders where total > 0)",
            {"carts.visitor_id", "orders.visitor_id"},
        ),
        ("md5(list_value(*columns(* exclude (rows_read))))", {"files.file"}),
        ("to_json(files)", {"files.file", "files.rows_read"}),
        ("'a text'", set()),
    ],
)
def test_a_column_is_made_from_what_its_expression_names(expression, expected):
    window = "window earlier as (partition by visitor_id order by closed_at)"
    table = "raw.files" if expression.startswith(("md5", "to_json")) else "main.carts"
    sql = f"select {expression} as found from {table} {window if 'earlier' in expression else ''}"
    assert origins(sql) == {"found": expected}


def test_rows_that_are_kept_joined_or_grouped_are_no_origin():
    sql = (
        "select carts.cart_id, max(orders.total) as total from main.carts"
        " asof left join main.orders on carts.visitor_id = orders.visitor_id"
        " and carts.closed_at >= orders.ordered_at"
        " where carts.price > 0 group by carts.cart_id"
    )
    assert origins(sql) == {"cart_id": {"carts.cart_id"}, "total": {"orders.total"}}


def test_it_goes_through_named_queries_and_stars():
    sql = (
        "with priced as (select *, price * quantity as value from main.carts),"
        " latest as (select * exclude (items, price) from priced)"
        " select latest.* exclude (quantity), value > 1 as is_dear from latest"
    )
    assert origins(sql) == {
        "cart_id": {"carts.cart_id"},
        "visitor_id": {"carts.visitor_id"},
        "closed_at": {"carts.closed_at"},
        "value": {"carts.price", "carts.quantity"},
        "is_dear": {"carts.price", "carts.quantity"},
    }


def test_a_union_goes_by_place_and_by_name_if_it_says_so():
    halves = "select cart_id as id, price as worth from main.carts {union}"
    halves += " select total as worth, order_id as id from main.orders"
    assert origins(halves.format(union="union all")) == {
        "id": {"carts.cart_id", "orders.total"},
        "worth": {"carts.price", "orders.order_id"},
    }
    assert origins(halves.format(union="union all by name")) == {
        "id": {"carts.cart_id", "orders.order_id"},
        "worth": {"carts.price", "orders.total"},
    }


def test_rows_of_a_list_and_of_a_query_that_reads_itself_come_of_what_they_begin_with():
    unnested = "select carts.cart_id, item from main.carts, unnest(carts.items) as each(item)"
    assert origins(unnested)["item"] == {"carts.items"}
    recursive = (
        "with recursive chain as (select cart_id, quantity as step from main.carts"
        " union all select cart_id, step - 1 as step from chain where step > 0)"
        " select cart_id, step from chain"
    )
    assert origins(recursive) == {"cart_id": {"carts.cart_id"}, "step": {"carts.quantity"}}


def test_the_database_that_a_table_is_in_does_not_matter_and_its_schema_does():
    assert origins('select file from "memory"."raw"."files"') == {"file": {"files.file"}}
    assert origins('select file from "memory"."main"."files"') == {"file": set()}


def test_sql_that_cannot_be_read_is_said():
    with pytest.raises(SqlglotError):
        TABLES.origins("select from from where")
