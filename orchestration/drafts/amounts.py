"""Whose amount a name speaks of: of one unit, of a line, of all, or of what is no item.

Belongs here: words in names of amounts. Not here: which name is that of a price (`words`).
"""

from collections.abc import Sequence

# What a draft says of a price that has such a name.
NOT_OF_A_UNIT = "of all units by its name: a price is that of one"
_TOTALS = frozenset({"total", "totals", "subtotal", "sum", "totale", "totaal"})
_TOTALS_IN = ("summe", "gesamt")  # as in Positionssumme
_LINES = frozenset({"line", "row", "item", "position", "positions", "extended", "zeile", "zeilen"})
_CHARGES = frozenset(
    {
        "shipping",
        "delivery",
        "freight",
        "postage",
        "porto",
        "livraison",
        "envio",
        "spedizione",
        "verzending",
        "tax",
        "taxes",
        "vat",
        "mwst",
        "ust",
        "tva",
        "iva",
        "btw",
        "fee",
        "fees",
        "surcharge",
        "handling",
        "tip",
    }
)
_CHARGES_IN = ("versand", "liefer", "fracht", "steuer", "gebuehr")  # as in Versandkosten
_DISCOUNTS = frozenset({"discount", "discounts", "rabatt", "remise", "sconto", "korting"})
_PRICES = frozenset({"price", "preis", "prix", "precio", "prezzo", "prijs"})
# With one of these a tax is in an amount or not, and the amount is not the tax.
_WITH_OR_WITHOUT = frozenset(
    {
        "incl",
        "including",
        "included",
        "inc",
        "excl",
        "excluding",
        "excluded",
        "ex",
        "with",
        "without",
        "inkl",
        "exkl",
        "mit",
        "ohne",
        "before",
        "after",
        "net",
        "gross",
        "netto",
        "brutto",
        "zzgl",
    }
)


def is_total(tokens: Sequence[str]) -> bool:
    """Whether an amount or a quantity is that of all, or of a line, not of a unit."""
    return any(token in _TOTALS or _has(token, _TOTALS_IN) for token in tokens)


def is_of_line(tokens: Sequence[str]) -> bool:
    """Whether an amount may be that of one line of an order: quantity times price."""
    is_named = bool(_LINES.intersection(tokens)) or any("position" in token for token in tokens)
    return is_named and is_total(tokens)


def is_charge(tokens: Sequence[str]) -> bool:
    """Whether an amount is that of shipping, a tax, a fee or a discount: no item's, no order's."""
    if _WITH_OR_WITHOUT.intersection(tokens):
        return False
    if _DISCOUNTS.intersection(tokens):
        return not _PRICES.intersection(tokens)
    return any(token in _CHARGES or _has(token, _CHARGES_IN) for token in tokens)


def _has(token: str, parts: Sequence[str]) -> bool:
    return any(part in token for part in parts)
