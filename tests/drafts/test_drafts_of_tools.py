"""From which column each field is drafted, of dumps in the documented shapes of other tools."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from orchestration.drafts import new_source
from orchestration.drafts.fields import Field, fields_of_files
from orchestration.drafts.guesses import Guesses, guessed
from orchestration.drafts.persons import is_shared, kind_share
from orchestration.ground.home import Home
from tests.drafts.dumps_of_tools import braze, klaviyo, klaviyo_table, posthog

CURRENCIES = frozenset({"EUR", "USD"})


def guesses_of(rows: list[dict]) -> Guesses:
    return guessed(fields_of_files([rows]), CURRENCIES, rows)


def places_in(guesses: Guesses) -> dict[str, str]:
    return {
        ours: " ".join(filter(None, (each.column, each.path)))
        for ours, each in guesses.found.items()
    }


def test_posthogs_events():
    guesses = guesses_of(posthog())
    assert places_in(guesses) == {
        "event_id": "uuid",
        "event_at": "timestamp",
        "event_type": "event",
        "visitor_id": "distinct_id",
        "user_id": "person_id",
        "device_type": 'properties $."$device_type"',
        "page_url": 'properties $."$current_url"',
        "referrer": 'properties $."$referrer"',
        "item_id": "properties $.product_id",
        "item_category": "properties $.category",
        "price": "properties $.price",
        "quantity": "properties $.quantity",
        "currency": "properties $.currency",
        "order_id": "properties $.order_id",
        "order_value": "properties $.total",
    }
    assert {each.text: each.type_ for each in guesses.words} == {
        "$pageview": "page_view",
        "product viewed": "view_item",
        "$autocapture": None,
        "add to cart": "add_to_cart",
        "purchase": "purchase",
    }


def test_brazes_custom_events_and_purchases():
    assert places_in(guesses_of(braze())) == {
        "event_id": "id",
        "event_at": "time",
        "event_type": "name",
        "visitor_id": "device_id",
        "user_id": "user_id",
        "page_url": "properties $.product_url",
        "item_id": "product_id",
        "item_category": "properties $.category",
        "price": "price",
        "currency": "currency",
        "order_id": "properties $.order_id",
    }


@pytest.mark.parametrize("models", [("iPhone15", "Pixel8", "SM-S911B"), ("Chrome", "Safari")])
@pytest.mark.parametrize("column", ["device_model", "device", "browser"])
def test_what_people_have_in_common_is_no_visitor(column, models):
    rows = [{**row, "device_id": None, "device_model": None} for row in braze()]
    for at, row in enumerate(rows):
        row[column] = models[at % len(models)]
    assert "visitor_id" not in places_in(guesses_of(rows))
    # what is each one's own, is
    for at, row in enumerate(rows):
        row[column] = f"{at % 19:08x}c"
    is_one = column != "device_model"
    assert places_in(guesses_of(rows)).get("visitor_id") == (column if is_one else None)


def test_klaviyos_events():
    guesses = guesses_of(klaviyo())
    places = {
        ours: place.replace("attributes $.event_properties.", "")
        for ours, place in places_in(guesses).items()
    }
    assert places == {
        "event_id": "attributes $.uuid",
        "event_at": "attributes $.timestamp",
        "event_type": "relationships $.metric.data.id",
        "user_id": "relationships $.profile.data.id",
        "page_url": "URL",
        "item_id": "ProductID",
        "item_brand": "Brand",
        "price": "Price",
        "quantity": "AddedItemQuantity",
        "order_id": "OrderId",
        "order_value": '"$value"',
        "country": "BillingAddress.CountryCode",
    }
    assert (guesses.items.column, guesses.items.path) == ("attributes", "$.event_properties.Items")
    assert guesses.item_paths == {
        "item_id": "$.ProductID",
        "item_name": "$.ProductName",
        "quantity": "$.Quantity",
        "price": "$.ItemPrice",
        "item_url": "$.ProductURL",
        "image_url": "$.ImageURL",
    }


def test_klaviyos_events_as_a_table():
    guesses = guesses_of(klaviyo_table())
    assert places_in(guesses) == {
        "event_id": "uuid",
        "event_at": "datetime",
        "event_type": "metric_name",
        "user_id": "person_id",
        "page_url": "property_URL",
        "item_id": "property_ProductID",
        "item_brand": "property_Brand",
        "price": "property_Price",
        "quantity": "property_AddedItemQuantity",
        "order_id": "property_OrderId",
        "order_value": "property_$value",
        "country": "property_BillingAddress $.CountryCode",
    }
    assert {each.text: each.type_ for each in guesses.words} == {
        "Viewed Product": "view_item",
        "Added to Cart": "add_to_cart",
        "Placed Order": "purchase",
    }


@pytest.mark.parametrize("rows", [posthog, braze, klaviyo, klaviyo_table])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_none_of_them_is_said_to_fit_a_source_and_each_is_drafted(tmp_path: Path, rows, form):
    path = tmp_path / f"dump.{form}"
    if form == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows())))
    else:
        names = list(dict.fromkeys(name for row in rows() for name in row))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            for row in rows():
                writer.writerow(
                    {
                        name: json.dumps(value) if isinstance(value, dict | list) else value
                        for name, value in row.items()
                    }
                )
    draft = new_source(Home(tmp_path / "home"), "tool", [str(path)])
    assert (draft.fits, draft.rows) == (None, 120)


def test_a_column_that_says_one_thing_of_many_rows_is_no_category():
    rows = [{**row, "category": None, "product_type": "shop"} for row in braze()]
    for row in rows:
        row["properties"] = "{}"
    assert "item_category" not in places_in(guesses_of(rows))
    for at, row in enumerate(rows):
        row["product_type"] = ("shoes", "hats", "bags")[at % 3]
    assert places_in(guesses_of(rows))["item_category"] == "product_type"


@pytest.mark.parametrize(
    "address",
    [
        "https://cdn.example.com/a/{}.jpg?w=400",
        "https://cdn.example.com/{}.WEBP",
        "//cdn.example.com/{}.png",
    ],
)
def test_addresses_of_pictures_are_no_pages_whatever_their_name(address):
    rows = [{**row, "url": address.format(at % 11)} for at, row in enumerate(braze())]
    assert places_in(guesses_of(rows))["page_url"] == "properties $.product_url"
    # nor are those of which only the name says it
    rows = [{**row, "picture_url": f"https://x.example/{at}"} for at, row in enumerate(rows)]
    assert places_in(guesses_of(rows))["page_url"] == "properties $.product_url"


@pytest.mark.parametrize(
    ("column", "values", "share"),
    [
        ("device", {"c1": 3, "c2": 4}, 1.0),
        ("device", {"till-1": 300, "till-2": 400}, 0.5),
        ("browser", {"Chrome": 300, "Safari": 400}, 0.0),
        ("browser", {"Chrome": 3, "Safari": 4}, 1.0),
        ("device_model", {"SM-S911B": 3, "SM-S912B": 4}, 0.0),
    ],
)
def test_how_far_a_field_may_tell_people_apart(column, values, share):
    assert kind_share(Field(column, None, Counter(values))) == share


def test_what_more_than_three_people_have_each_is_shared():
    person, thing = Field("user"), Field("thing")
    rows = [{"user": f"u{at}", "thing": f"t{at // 3}"} for at in range(30)]
    assert not is_shared(thing, person, rows)
    rows += [{"user": f"w{at}", "thing": f"t{at}"} for at in range(10)]
    assert is_shared(thing, person, [*rows, {"user": "x", "thing": "t0"}])
    assert not is_shared(thing, person, [{"user": None, "thing": "t0"}])
