"""What to do about rows that were set aside, by the reason.

Belongs here: one clause a reason, for whoever delivers the file. Not here: which rows are set aside
(landing and dbt), or which files are named for it (`suspect_files`, `unread_amounts`).
"""

ITEMS = 'write lists of items as JSON, as in [{"item_id": "shoe", "price": 12.50}]'
AMOUNT = "write 1299.00, or say `decimal: comma` in the source's own file for 1.299,00"
UNKNOWN_WORDS = (
    "write GA4's words for what happened, such as add_to_cart, or have a source of your own"
    " translate yours (comeback source new)"
)
_QUOTES = (
    "put fields that hold the delimiter or a line end into quotes and double the quotes in them, or"
    " say `escape: backslash` in the source's own file"
)
_WHOLE = "deliver the file again, whole"
_BY_REASON = {
    "bad_time": (
        "give each row a time, such as 2026-11-20T10:00:00Z or an epoch; of events a source of your"
        " own reads other forms (comeback source new)"
    ),
    "implausible_time": (
        "a time is after 1999 and not after the file's landing; an epoch counts from 1970 in s, ms,"
        " us or ns, never in days as Excel's does"
    ),
    "no_identity": "give each row a visitor or a user id; unknown, null and the like count as none",
    "no_type": "give each row an event type, such as add_to_cart",
    "rounded_id": "deliver ids as text: a spreadsheet has rounded these",
    "bad_json": "write one JSON object a line, names and texts in double quotes",
    "not_an_object": "write one JSON object a line",
    "wrong_field_count": _QUOTES,
    "stray_quote": _QUOTES,
    "unclosed_quote": _QUOTES,
    "unknown_columns": (
        "deliver events as the source whose columns they have, or begin one of your own (comeback"
        " source new); of any other dump rename its columns"
    ),
    "cut_row": _WHOLE,
    "damaged_rows": _WHOLE,
    "unreadable_file": _WHOLE,
    "bad_currency": "deliver a row for each currency and time, with its code, such as USD",
    "bad_span": "a sale ends after it begins",
    "bad_country": "write the code or the English name of a country, such as DE, or leave it empty",
    "bad_rate": "a rate is a number above 0 and below 1,000,000; leave days without one out",
    "bad_price": AMOUNT,
    "bad_order_value": AMOUNT,
    "bad_items": ITEMS,
}


def remedy(reason: str) -> str | None:
    """The clause for a reason; None where the reason says it all."""
    return _BY_REASON.get(reason)


def with_remedy(text: str, clause: str | None) -> str:
    """What is said, and the clause if there is one."""
    return f"{text}; {clause}" if clause else text
