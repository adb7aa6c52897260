"""A small warehouse with what exports read, and their files read back.

Belongs here: the shop that tests of exports share. Not here: any test.
"""

import csv
import io
from datetime import datetime, timedelta

import duckdb

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.outputs.exports import pending
from orchestration.outputs.exports.hourly import Prepared, prepare_exports
from orchestration.warehouse.score_tables import CART_SCORES

TEN = datetime(2026, 10, 31, 10)
HOUR = timedelta(hours=1)


class Shop:
    """A warehouse with the tables that exports read."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.connection = duckdb.connect()
        self.connection.execute("create schema scores")
        self.connection.execute("create schema vault")
        self.connection.execute(CART_SCORES.ddl("scores.cart_scores"))
        self.connection.execute(
            "create table main.carts (cart_id varchar, last_touched_at timestamp);"
            "create table main.orders (visitor_id varchar, owner_id varchar, ordered_at timestamp);"
            "create table main.cart_operations (cart_id varchar, operation_number bigint,"
            " is_touch boolean, event_at timestamp, line_item_id varchar, line_quantity bigint,"
            " line_price decimal(18, 4), line_currency varchar);"
            "create table main.also_bought (item_id varchar, other_item_id varchar,"
            " other_rank bigint, confidence double);"
            "create table main.items (item_id varchar, item_name varchar, item_url varchar,"
            " image_url varchar);"
            "create table vault.current_profiles (user_id varchar, email varchar, phone varchar,"
            " first_name varchar, last_name varchar, country varchar, language varchar,"
            " time_zone varchar, email_consent boolean, sms_consent boolean,"
            " ad_user_data_consent boolean, ad_personalization_consent boolean,"
            " updated_at timestamp, attributes varchar, email_key varchar);"
            "create table vault.profile_versions (user_id varchar, email varchar,"
            " email_key varchar, email_consent boolean, sms_consent boolean,"
            " ad_user_data_consent boolean, ad_personalization_consent boolean,"
            " updated_at timestamp, is_stripped boolean);"
            "create table vault.current_suppressions (channel varchar, user_id varchar,"
            " email varchar, phone varchar, reason varchar, suppressed_at timestamp,"
            " visitor_id varchar);"
            "create table main.sessions (visitor_id varchar, owner_id varchar,"
            " started_at timestamp, ended_at timestamp, is_suspected_bot boolean)"
        )

    def insert(self, table: str, **values: object) -> None:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        self.connection.execute(
            f"insert into {table} ({names}) values ({marks})", list(values.values())
        )

    def cart(self, user: str, rank: int = 1, at: datetime = TEN, **values: object) -> None:
        row = {
            "scored_at": at,
            "cart_id": f"cart-{user}",
            "visitor_id": f"cookie-{user}",
            "owner_id": user,
            "cart_value": 100 - rank,
            "currency": "EUR",
            "segment": "on_the_fence",
            "best_action": "reminder",
            "expected_gain": 10 - rank / 1000,
            "priority_rank": rank,
            "contact_not_before": TEN - HOUR,
            "contact_valid_until": TEN + 7 * 24 * HOUR,
            "is_holdout": False,
        } | values
        self.insert("scores.cart_scores", **row)

    def line(self, cart: str, item: str, at: datetime = TEN - 3 * HOUR, **values: object) -> None:
        """The line of an item after an add to a cart, or a removal from it."""
        ((number,),) = self.connection.execute(
            "select count(*) from main.cart_operations"
        ).fetchall()
        row = {"cart_id": cart, "line_item_id": item, "event_at": at, "line_quantity": 1} | values
        self.insert("main.cart_operations", is_touch=True, operation_number=number, **row)

    def profile(self, user: str, **values: object) -> None:
        row = {
            "user_id": user,
            "email": f"{user}@example.com",
            "phone": None,
            "country": "DE",
            "time_zone": "UTC",
            "email_consent": True,
            "ad_user_data_consent": True,
            "ad_personalization_consent": True,
        } | values
        self.insert("vault.current_profiles", **row)

    def session(self, visitor: str, at: datetime = TEN - 2 * HOUR, **values: object) -> None:
        row = {
            "visitor_id": visitor,
            "owner_id": None,
            "started_at": at,
            "ended_at": at + HOUR / 2,
            "is_suspected_bot": False,
        } | values
        self.insert("main.sessions", **row)

    def person(self, user: str, rank: int = 1, **values: object) -> None:
        self.cart(user, rank)
        self.profile(user, **values)

    def export(
        self, at: datetime = TEN, settings: Settings | None = None, **options: object
    ) -> Prepared:
        prepared = prepare_exports(
            self.connection, self.home, at, settings or Settings(), **options
        )
        pending.remember(self.connection, prepared.deliveries)
        return prepared


def content(prepared: Prepared, name: str) -> bytes:
    return next(file.content for file in prepared.files if file.name == f"{name}.csv")


def rows(prepared: Prepared, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(prepared, name).decode(), newline="")))


def column(prepared: Prepared, name: str, header: str) -> list[str]:
    return [row[header] for row in rows(prepared, name)]
