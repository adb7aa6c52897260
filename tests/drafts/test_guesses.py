"""What `comeback source new` guesses of a dump, and where it says that it cannot."""

import json
from pathlib import Path

import pytest

from orchestration.drafts import new_source
from orchestration.drafts.fields import tokens_of
from orchestration.drafts.words import event_type_of
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a,b\nx,1\ny,2\n", "no column holds times"),
        ("at,what\n2026-03-02,x y\n2026-03-03,z w\n", "no column looks like the id"),
        ("", "no file with rows"),
        ('{"who": "v1", "log": [{"at": 1772445600123}]}', "a list of events, column log"),
    ],
)
def test_where_nothing_can_be_guessed_it_says_what_is_missing(tmp_path, content, complaint):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ComebackError, match=complaint):
        new_source(Home(tmp_path / "home"), "till", [str(tmp_path)])
    assert not (tmp_path / "home").exists()


def drafted_of(folder: Path, name: str, content: str) -> tuple[str, str]:
    """The two texts that are drafted of a file."""
    (folder / name).write_text(content)
    yml, sql = new_source(Home(folder / "home"), "shop", [str(folder / name)]).files
    return yml.read_text(), sql.read_text()


def test_a_file_without_a_header_line_is_known_by_its_width_and_words(tmp_path):
    rows = [
        f"2026-03-02T10:{number:02}:00,v{number % 9},{['view', 'put in cart'][number % 2]},9.99\n"
        for number in range(40)
    ]
    yml, sql = drafted_of(tmp_path, "a.csv", "".join(rows))
    assert "header: [field_1, field_2, field_3, field_4]\n" in yml
    assert '- width: 4\n                words: {"3": ["put in cart", "view"]}\n' in yml
    assert "field_2 as visitor_id,  -- guess: by its values\n" in sql
    assert "-- 'view': 20, understood as view_item\n" in sql


def test_ids_that_every_row_has_of_its_own_are_the_events_but_no_running_numbers(tmp_path):
    def rows(vorgang: str) -> str:
        lines = [
            f"2026-03-02T10:{number % 60:02}:00,k{number % 9}xyz,scan,{vorgang.format(number)}\n"
            for number in range(100)
        ]
        return "wann,keks,art,vorgang\n" + "".join(lines)

    yml, sql = drafted_of(tmp_path, "a.csv", rows("v-{:06}"))
    found = "coalesce({{ known_id('vorgang') }}, row_hash) as event_id,  -- guess: by its values\n"
    assert found in sql
    assert "config: {meta: {identity: event}}" in yml
    (tmp_path / "b").mkdir()
    _, sql = drafted_of(tmp_path / "b", "a.csv", rows("{:08}"))
    assert "row_hash as event_id,  -- rows alike in every field are one event\n" in sql


def test_names_that_sql_cannot_bear_and_dates_beside_clocks(tmp_path):
    rows = [
        f"{number % 28 + 1}/02/2026,9:0{number % 9},c{number % 5},Buy,{number}\n"
        for number in range(40)
    ]
    header = "Date,Clock time,Client ID,Desc,1st number\n"
    yml, sql = drafted_of(tmp_path, "a.csv", header + "".join(rows))
    assert "- name: desc_  # guess: event_type by its values\n" in yml
    assert "- name: c_1st_number  # guess: quantity by its name\n" in yml
    assert "config: {meta: {aliases: ['1st number']}}\n" in yml
    assert "{{ with_time_of_day(day_first('date'), 'clock_time') }} as found_event_at,\n" in sql
    assert "when 'Buy' then 'purchase'  -- guess: 40\n" in sql


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ("11/20/2026 {}:00:00 PM", "{{ month_first('event_at') }}"),
        ("20.11.2026 {}:00\u202fpm", "{{ day_first('event_at') }}"),
        ("2026-11-20 {}:00 a.m.", "{{ year_first('event_at') }}"),
        ("2026-11-20 {}:00:00", None),
    ],
)
def test_dates_in_another_order_and_clocks_of_twelve_hours(tmp_path, times, found):
    rows = "".join(f'v{hour % 3},"{times.format(hour)}",add_to_cart\n' for hour in range(10, 13))
    (tmp_path / "a.csv").write_text(f"visitor_id,event_at,event_type\n{rows}")
    draft = new_source(Home(tmp_path / "home"), "shop", [str(tmp_path / "a.csv")])
    # the columns are canonical's, but such times it cannot read
    assert draft.fits == (None if found else "canonical")
    _, sql = draft.files
    assert (found or "{{ event_time('event_at', 'shop') }}") in sql.read_text()


@pytest.mark.parametrize(("clock", "fits"), [("{}:05:01 PM", None), ("{}:05", "canonical")])
def test_a_clock_of_twelve_hours_beside_the_date_is_read_by_no_source_there_is(
    tmp_path, clock, fits
):
    rows = "".join(f"v{n % 3},2026-11-20,{clock.format(n)},add_to_cart\n" for n in range(1, 13))
    (tmp_path / "a.csv").write_text(f"visitor_id,date,time,event_type\n{rows}")
    draft = new_source(Home(tmp_path / "home"), "shop", [str(tmp_path / "a.csv")])
    assert draft.fits == fits
    assert "{{ with_time_of_day('date', 'time') }}" in draft.files[1].read_text()


def test_signs_of_currencies_are_taken_off_amounts_and_say_the_currency(tmp_path):
    rows = [
        {"ts": 1772445600 + at, "device": f"d{at % 7}", "event": "buy", "total": f"€ {at},50"}
        for at in range(30)
    ]
    yml, sql = drafted_of(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert "decimal: comma  # guess: by the amounts\n" in yml
    assert "trim(replace(total, '€', '')) as found_order_value,\n" in sql
    assert "'EUR' as currency,  -- guess: of all amounts\n" in sql


def test_what_no_language_that_is_known_names_is_listed_for_whoever_corrects_it(tmp_path):
    rows = [
        {
            "kiedy": f"{number // 20 + 1:02}.11.2026 10:{number % 60:02}:00",
            "kto": {"ciastko": f"x{number % 50}", "klient": {"nr": f"kl{number % 7}"}},
            "co": ["do koszyka", "strona"][number % 2],
            "dane": {f"k{number}": 1, "pozycje": [{"towar": {"kod": "r1"}, "cena": "1 299,00"}]},
        }
        for number in range(600)
    ]
    yml, sql = drafted_of(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    # most values are on the first twelve days, and each is there once
    assert "which no date of them proves" not in sql
    assert "decimal: comma  # guess: by the amounts\n" in yml
    assert "--   kto: $.klient.nr\n" in sql
    assert "--   dane: $.pozycje, a list; in each element $.towar.kod, $.cena\n" in sql
    assert "k17" not in sql


def test_columns_of_which_nothing_is_read_are_listed_too(tmp_path):
    rows = [
        {
            "ts": 1772445600 + number,
            "device": f"d{number % 7}",
            "event": "view",
            "Trgw. Nr": f"t-{number % 3}",
            "farbe": "rot",
            "stichworte": ["a", "b"],
            "more": {"shade": "dark"},
            **({f"k{number}": 1} if number < 2 else {}),
        }
        for number in range(60)
    ]
    _, sql = drafted_of(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    head = sql.partition("\n\n")[0].splitlines()[2:]
    assert head == [
        "-- Not read, of the columns:",
        "--   trgw_nr, farbe, stichworte",
        "-- Not read, of what nested values hold:",
        "--   more: $.shade",
    ]
    (tmp_path / "b").mkdir()
    _, sql = drafted_of(tmp_path / "b", "a.csv", "ts,device,event\n" + "1772445600,d1,view\n" * 5)
    assert "Not read" not in sql


def test_amounts_of_all_and_the_whole_cart_are_not_taken_for_those_of_the_event(tmp_path):
    item = {"product_id": "SO-011", "quantity": 1, "price": 50.57}
    rows = [
        {
            "timestamp": f"2026-03-02T10:{number:02}:00Z",
            "customer_ids": {"cookie": f"c{number % 9}"},
            "event_type": "cart_update",
            "properties": {
                "total_quantity": 4,
                "total_price": 441.28,
                "cart": [item, item],
                "product_list": [item],
                "product_id": "SO-011",
                # only some have them
                **({"price": 50.57, "quantity": 1} if number % 2 else {}),
            },
        }
        for number in range(60)
    ]
    _, sql = drafted_of(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    for ours, path in (("price", "price"), ("quantity", "quantity"), ("items", "product_list")):
        assert f"'$.{path}') }}}} as found_{ours}" in sql or f"'$.{path}') }}}} as items" in sql
    assert "--   properties: $.cart, a list" in sql
    assert "'$.total_price') }} as found_order_value" in sql


def test_changes_of_a_table_are_known_by_their_op(tmp_path):
    def row(number: int) -> dict:
        return {"id": number, "session_token": f"s{number % 9}", "sku": "A-0", "qty": 1}

    rows = [
        {
            "before": row(number) if op != "c" else None,
            "after": row(number) if op != "d" else None,
            "source": {"connector": "postgresql", "table": "cart_items"},
            "op": op,
            "ts_ms": 1794800000000 + 1000 * number,
        }
        for number in range(60)
        for op in ("cud"[number % 3],)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    draft = new_source(Home(tmp_path / "home"), "shop", [str(tmp_path / "a.jsonl")])
    sql = draft.files[1].read_text()
    assert draft.notes[0].startswith("each row is a change of a row of a table, before and after")
    assert "row_hash as event_id" in sql
    assert "op as event_type" in sql
    assert "json_object('before')" not in sql


@pytest.mark.parametrize(
    ("word", "type_"),
    [
        ("Add To Basket", "add_to_cart"),
        ("panier.ajout", "add_to_cart"),
        ("removeFromCart", "remove_from_cart"),
        ("aus dem Korb", "remove_from_cart"),
        ("taken out of the basket", "remove_from_cart"),
        ("Checkout from cart", "begin_checkout"),
        ("Merkliste hinzugefügt", "add_to_wishlist"),
        ("checkout_complete", "purchase"),
        ("Checkout", "begin_checkout"),
        ("payment-method-selected", "add_payment_info"),
        ("Lieferadresse", "add_shipping_info"),
        ("recherche", "search"),
        ("Kategorie angesehen", "view_item_list"),
        ("Sign Up", "sign_up"),
        ("log in", "login"),
        ("Warenkorb geöffnet", "view_cart"),
        ("retour", "refund"),
        ("payment failed", None),
        ("order cancelled", None),
        ("newsletter", None),
        ("panier_suppression", "remove_from_cart"),
        ("cart_cleared", "remove_from_cart"),
        ("cart_emptied", "remove_from_cart"),
        ("Warenkorb geleert", "remove_from_cart"),
        ("Product Added", "add_to_cart"),
        ("quick_add", "add_to_cart"),
        ("order_refunded", "refund"),
        ("Bestellung storniert", "refund"),
        ("Bestellung aufgegeben", "purchase"),
        ("order_created", "purchase"),
        ("cart_viewed", "view_cart"),
        ("Produktseite", "view_item"),
    ],
)
def test_words_of_several_languages_are_guessed(word, type_):
    found = event_type_of(tokens_of(word), has_item=False, has_order=False)
    assert found == type_


@pytest.mark.parametrize("has_item", [True, False])
@pytest.mark.parametrize("has_order", [True, False])
@pytest.mark.parametrize(
    "word",
    [
        *("coupon_added", "product_review_added", "add_to_compare", "add_coupon_to_cart"),
        *("review_deleted", "address_removed", "order_note_added", "order_item_added"),
        *("purchase review", "cart_saved", "cart_updated", "ecommerce.cart_updated"),
        *("commande_annulée", "order_cancelled", "ordine annullato", "bestelling geannuleerd"),
    ],
)
def test_a_word_that_may_mean_something_else_is_left_to_whoever_corrects_it(
    word, has_item, has_order
):
    assert event_type_of(tokens_of(word), has_item=has_item, has_order=has_order) is None


@pytest.mark.parametrize("word", ["$pageview", "screen_view", "Seitenaufruf"])
def test_a_view_of_a_page_is_none_of_the_item_that_stands_on_it(word):
    assert event_type_of(tokens_of(word), has_item=True, has_order=False) == "page_view"
    assert event_type_of(tokens_of("view"), has_item=True, has_order=False) == "view_item"
