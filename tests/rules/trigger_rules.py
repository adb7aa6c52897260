"""Triggers that the tests build beside the shipped ones: every condition there is, on its limits.

Belongs here: their text, as a shop would write it, and the form in which dbt is handed all of them.
Not here: when they fire (reference_triggers.py, test_triggers.py).
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

from orchestration.ground.triggers import Trigger, parse_trigger, triggers_in

TESTED = """
name: t_views
per: item
when: [{at_least: 2, of: view_item, within: 2h}]
cooldown: 3h
---
name: t_views_not_bought
per: item
when: [{at_least: 2, of: view_item, within: 24h}, {none: purchase, within: 4h}]
cooldown: 90m
---
name: t_added
per: person
when: [{at_least: 1, of: add_to_cart, within: 24h}, {none: purchase, since: add_to_cart}]
cooldown: 4h
---
name: t_categories
per: person
when: [{at_least: 2, of: view_item, distinct: item_category, within: 8h}]
cooldown: 1h
---
name: t_items_since
per: person
when: [{at_least: 2, of: view_item, distinct: item_id, since: login}, {idle_at_most: 4h}]
cooldown: 30m
---
name: t_idle
per: person
when: [{idle_at_least: 1h}, {none: login, within: 24h}]
cooldown: 24h
---
name: t_not_bought
per: person
when: [{none: purchase, within: 2d}]
cooldown: 12h
---
name: t_item_not_bought
per: item
when: [{none: purchase, within: 4h}, {idle_at_least: 30m}]
cooldown: 8h
---
name: t_cart_open
per: cart
when: [{at_least: 1, of: view_item, within: 4h}]
cooldown: 2h
---
name: t_cart_left
per: cart
when:
  - {cart: abandoned}
  - {none: view_item, since: add_to_cart}
  - {idle_at_least: 30m}
cooldown: 8h
---
name: t_cart_worth
per: cart
when: [{cart: open, value_at_least: 10}, {idle_at_most: 24h}]
cooldown: 4h
---
name: t_has_cart_worth
per: person
when: [{cart: abandoned, value_at_least: 5.5}, {none: purchase, within: 24h}]
cooldown: 24h
---
name: t_item_with_cart
per: item
when: [{at_least: 1, of: view_item, since: add_to_cart}, {cart: open}]
cooldown: 24h
---
name: t_back
per: person
when: [{back_after: 4h, within: 2h}]
cooldown: 2h
---
name: t_bought_twice
per: person
when:
  - {at_least: 2, of: purchase, within: 7d}
  - {at_least: 1, of: purchase, distinct: item_id, within: 24h}
cooldown: 24h
"""


def rules() -> dict[str, Mapping]:
    """The tested rules as written, by name."""
    written = list(yaml.safe_load_all(TESTED))
    return {rule["name"]: rule for rule in written}


def parsed() -> list[Trigger]:
    """The same as the project reads them."""
    filled = [
        {"version": 1, "description": "Of a test.", "channel": "email", **rule}
        for rule in rules().values()
    ]
    return [parse_trigger(yaml.safe_dump(rule), rule["name"]) for rule in filled]


def variable(project: Path) -> list[dict]:
    """What dbt is handed: the shipped triggers, and these."""
    return [trigger.variable() for trigger in (*triggers_in(project), *parsed())]
