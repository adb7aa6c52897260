"""Names of fields, and words for what happened, as shops write them in some languages.

Belongs here: vocabulary, and comparing names with it. Not here: the words that every source knows
already (`macros/rules/event_types.sql` of the dbt project); a guess made here is written into a
file for a person to correct, and decides nothing by itself.
"""

from collections.abc import Sequence
from itertools import pairwise

# By our field, how sure a name makes it. A name is words in a row, at the end of the field's own.
NAMES: dict[str, dict[float, str]] = {
    "event_at": {
        1.0: (
            "event time, timestamp, event timestamp, zeitpunkt, zeitstempel, horodatage,"
            " datetime, occurred at, happened at, event at, date time, marca de tiempo, orario"
        ),
        0.9: (
            "time, ts, stamp, zeit, at, when, occurred, happened, uhrzeit, heure, hora, ora,"
            " moment, tijd, quand, tijdstip, cuando, quando"
        ),
        0.7: "date, datum, fecha, data, day, tag, created at, created, epoch, jour",
        0.5: "sent at, received at, received, sent, logged at",
        0.3: (
            "updated at, loaded at, modified, modified at, processed at, inserted at, imported at"
        ),
    },
    "visitor_id": {
        1.0: (
            "visitor, visitor id, device id, anonymous id, client id, cookie id, besucher,"
            " besucher id, browser id, user pseudo id, visiteur, visitante, bezoeker, anon id,"
            " anon"
        ),
        0.9: (
            "device, cookie, distinct id, browser, geraet, appareil, dispositivo, tracking id,"
            " fingerprint, guest id, apparaat, visitatore, machine"
        ),
        0.5: "session, session id, sid, sitzung, visit id, visit, besuch, guid, client, gast",
    },
    "user_id": {
        1.0: (
            "user id, customer id, account id, member id, customer, kunde, kunden id,"
            " kundennummer, kundennr, kunden nr, user, account, login id, client nr, klant,"
            " utilisateur, usuario, utente, cliente, member, klantnummer, kontonummer"
        ),
        0.8: (
            "card, loyalty id, loyalty card, konto, mitglied, shopper, shopper id, buyer, uid,"
            " numero client, kundenkarte, compte, cuenta, person id, person, contact id,"
            " mitgliedsnummer, profile id"
        ),
    },
    "event_id": {
        1.0: ("event id, message id, hit id, insert id, event uuid, ereignis id, uuid, event key"),
        0.6: "id, guid, record id, row id, nonce, log id",
    },
    "event_type": {
        1.0: (
            "event type, event name, event, action, aktion, ereignis, evenement, evento,"
            " gebeurtenis, metric name"
        ),
        0.9: (
            "act, type, verb, activity, vorgang, accion, azione, actie, typ, hit type, aktivitaet,"
            " metric, metric id"
        ),
        0.7: "what, was, kind, name, art, status, step, operation, tipo",
    },
    "item_id": {
        1.0: (
            "item id, product id, sku, article id, artikel id, artikelnummer, artikelnr, artikel"
            " nr, produkt id, variant id, variant sku, article number, product sku, ean, gtin,"
            " upc, artnr, produktnummer, art nr, product code, articulo id, producto id"
        ),
        0.8: (
            "item, product, article, artikel, produkt, variant, produit, producto, articulo,"
            " prodotto, articolo, artikelcode, asin"
        ),
        0.5: "reference, ref, code, id, nr, number, key",
    },
    "item_name": {
        1.0: (
            "item name, product name, title, titel, bezeichnung, artikelname, produktname, name,"
            " nom, nombre, nome, naam"
        ),
        0.6: "label, description, beschreibung, libelle",
    },
    "item_category": {
        1.0: (
            "category, kategorie, product category, item category, categorie, categoria, product"
            " type, warengruppe, rubrik"
        ),
        0.7: "department, category name, category id, abteilung, group, cat, rayon",
    },
    "item_brand": {
        1.0: ("brand, marke, item brand, manufacturer, hersteller, marque, marca, merk, vendor"),
    },
    "quantity": {
        1.0: (
            "quantity, qty, menge, anzahl, quantite, cantidad, quantita, aantal, stueckzahl, units"
        ),
        0.8: "count, stueck, pieces, pcs, n, qte, amount, number, nb",
    },
    "price": {
        1.0: (
            "price, unit price, preis, einzelpreis, stueckpreis, item price, prix, precio,"
            " prezzo, prijs, price amount, unit cost, prix unitaire, stuckprijs, price value"
        ),
        0.8: ("each, cost, amount, kosten, sale price, list price, preis brutto, brutto, gross"),
        0.5: "betrag, value, net price, netto, montant",
    },
    "currency": {
        1.0: "currency, currency code, waehrung, devise, moneda, valuta, ccy, cur, divisa",
    },
    "order_id": {
        1.0: (
            "order id, order number, order no, order nr, transaction id, bestellnummer,"
            " bestellnr, bestell nr, bestell id, auftragsnummer, auftragsnr, receipt id, order"
            " key, commande id, numero commande, purchase id, ordernummer"
        ),
        0.9: (
            "order, receipt, bestellung, auftrag, transaction, bon, beleg, commande, pedido,"
            " ordine, kassenbon, belegnummer, belegnr, bon nr, bonnummer, invoice,"
            " rechnungsnummer, bestelling"
        ),
    },
    "order_value": {
        1.0: (
            "order value, order total, grand total, revenue, total, gesamt, gesamtbetrag, summe,"
            " gesamtsumme, umsatz, bestellwert, total price, totale, totaal, order amount, total"
            " amount"
        ),
        0.8: ("sum, value, amount, betrag, wert, paid, montant, importe, gesamtpreis, turnover"),
    },
    "page_url": {
        1.0: (
            "page url, url, page location, current url, page, seite, seiten url, adresse, uri, lien"
        ),
        0.8: "href, location, address, link, landing, path, pfad",
    },
    "referrer": {
        1.0: ("referrer, referer, referrer url, page referrer, previous url, ref url, herkunft"),
    },
    "utm_source": {
        1.0: "utm source, campaign source, traffic source",
    },
    "utm_medium": {
        1.0: "utm medium, campaign medium, traffic medium",
    },
    "utm_campaign": {
        1.0: "utm campaign, campaign name, campaign, kampagne, campagne",
    },
    "device_type": {
        1.0: ("device type, device category, device class, geraetetyp, form factor, geraeteklasse"),
        0.7: "device, platform, geraet",
    },
    "country": {
        1.0: "country, country code, land, laendercode, pays, pais, paese, geo country",
        0.5: "region, geo, market, markt",
    },
    # not ours: what some of ours are read from, and what the draft says of times and items
    "user_agent": {
        1.0: "user agent, ua, useragent",
        0.7: "agent, browser",
    },
    "zone": {
        1.0: "timezone, time zone, zone, zeitzone, tz, fuseau",
    },
    "items": {
        1.0: (
            "items, products, lines, line items, positionen, artikel, produkte, produits,"
            " articles, articulos, prodotti, articoli, zeilen, order lines, cart lines, basket"
            " lines, regels, product list, products list, item list, items list, article list,"
            " artikelliste, produktliste"
        ),
        0.7: ("cart, basket, warenkorb, panier, contents, entries, rows, carrito, korb, lignes"),
    },
}

_PHRASES = {
    field: [
        (sure, tuple(phrase.split()))
        for sure, some in by_sure.items()
        for phrase in " ".join(some.split()).split(", ")
    ]
    for field, by_sure in NAMES.items()
}

_SETS = {
    "cart": (
        "cart basket bag trolley warenkorb korb einkaufswagen panier carrito cesta carrello"
        " mandje winkelwagen wagen bon"
    ),
    "add": (
        "add added adds adding put scan scanned plus hinzu hinzugefuegt hinzufuegen gelegt legen"
        " rein ajout ajouter ajoute anadir anadido agregar agregado aggiungi aggiunto toevoegen"
        " toegevoegd increase increased"
    ),
    "remove": (
        "remove removed removes delete deleted void voided minus drop dropped entfernt entfernen"
        " geloescht loeschen raus retire retirer supprimer supprime quitar eliminar eliminado"
        " rimuovi rimosso verwijder verwijderd verwijderen decrease decreased unscan suppression"
        " suppr retrait"
    ),
    "empty": (
        "empty emptied clear cleared geleert leeren vide vider videe vaciar vaciado svuota svuotato"
        " leegmaken geleegd"
    ),
    "change": "update updated updates change changed edit edited geaendert modifie modifier sync",
    "out": "out from aus uit hors fuori fuera",
    "buy": (
        "purchase purchased order ordered bought buy pay paid sold sale kauf gekauft kaufen"
        " bestellung bestellt bestellen bezahlt achat acheter commande compra comprado comprar"
        " pedido acquisto acquistato besteld bestelling kassiert abgeschlossen transaction"
        " checkedout bezahlen pagado pagato betaald"
    ),
    "refund": (
        "refund refunded retoure erstattung erstattet storno storniert rembourse remboursement"
        " devolucion reembolso rimborso reso retour chargeback return returned stornato stornata"
    ),
    "checkout": "checkout kasse caisse cassa caja afrekenen",
    "done": (
        "complete completed done success successful finished finish thankyou confirmed"
        " confirmation abgeschlossen bestaetigt"
    ),
    "payment": (
        "payment zahlung zahlungsart zahlart zahlungsdaten paiement pago pagamento betaling"
        " billing betaalmethode"
    ),
    "shipping": (
        "shipping delivery versand versandart lieferung lieferadresse livraison envio spedizione"
        " verzending address adresse"
    ),
    "search": (
        "search searched searches suche gesucht suchen recherche buscar busqueda cerca zoeken"
        " query find"
    ),
    "list": (
        "list category kategorie collection listing rubrik liste categorie categoria plp lister"
        " uebersicht catalog catalogue katalog"
    ),
    "item": (
        "product item article artikel produkt produit producto prodotto articulo articolo detail"
        " details pdp sku variant"
    ),
    "view": (
        "view viewed views see seen show shown shows look looked open opened display displayed"
        " angesehen gesehen ansehen ansicht aufgerufen voir vue ver visto visualizza bekeken"
        " impression detail details pdp geoeffnet ouvert consulte abierto aperto geopend"
    ),
    "login": (
        "login logged signin anmeldung angemeldet eingeloggt connexion connecte inloggen ingelogd"
    ),
    "signup": (
        "signup register registered registration registrierung registriert inscription registro"
        " registrazione registratie"
    ),
    "wish": (
        "wish wishlist merkliste merkzettel gemerkt favorite favorit favourite favoris favorites"
        " wunschliste wunschzettel deseos verlanglijst"
    ),
    "page": "main home homepage startseite"
    " page pageview seite seitenaufruf screen hit visit pagina besuch",
    "never": (
        "failed fail fails error cancelled canceled cancel abgebrochen abbruch fehler abandoned"
        " logout history status hover exit shipped delivered annule annull annulation anulado"
        " anulada declined rejected expired pending abgelehnt"
    ),
    # what may be added to much, or taken off it, and is no item
    "beside": (
        "review reviews rating ratings bewertung avis coupon coupons voucher vouchers gutschein"
        " promo promotion rabatt discount compare comparison vergleich vergleichen comparer"
        " comment kommentar note notes notiz"
    ),
    # what says nothing
    "filler": (
        "a an the to of in into on by with event evt ecommerce ec shop store user customer visitor"
        " click clicked button btn quick one line unit units piece quantity qty menge anzahl zum"
        " zur zu im den der die das dem des au le la les de du un una il al el een het op v"
    ),
}
_WORDS = {name: frozenset(words.split()) for name, words in _SETS.items()}
_COMPOUND_LETTERS = 6


def name_score(field: str, tokens: Sequence[str]) -> float:
    """How sure a name makes it that a field is ours, 0 to 1.1; 1.1 where it is the whole name.

    Args:
        field: our field, or another key of `NAMES`.
        tokens: the words of the name, those of what is around it first.
    """
    best = 0.0
    for sure, phrase in _PHRASES[field]:
        length = len(phrase)
        if tuple(tokens[-length:]) == phrase:
            best = max(best, sure * (1.1 if length == len(tokens) else 1.0))
        elif _holds(tokens, phrase):
            best = max(best, sure * 0.6)
        elif tokens and len(phrase[-1]) >= _COMPOUND_LETTERS and "".join(phrase) in tokens[-1]:
            best = max(best, sure * 0.7)  # as in Bestellnummern
    return best


def event_type_of(tokens: Sequence[str], *, has_item: bool, has_order: bool) -> str | None:
    """What a shop's word for an event may mean, in ours; None where nothing says so.

    Args:
        tokens: the parts of the word.
        has_item: whether most events of that word are about an item.
        has_order: whether most name an order.
    """
    parts = (*tokens, *map("".join, pairwise(tokens)))  # sign up, check out
    found = {name for name, words in _WORDS.items() if _any_of(parts, words)}
    if not all(any(_any_of((part,), words) for words in _WORDS.values()) for part in tokens):
        found.add("unknown")
    for type_, needed, excluded in _RULES:
        if needed <= found and not excluded & found:
            return type_
    if "cart" in found:
        # an item beside what nobody knows may as well be taken out, saved or shared
        return None if "unknown" in found else "add_to_cart" if has_item else "view_cart"
    if "page" in found:
        return "page_view"
    if "view" in found:
        return "view_item" if has_item else "page_view"
    return "purchase" if has_order and has_item and "never" not in found else None


# With any of these a word for adding or removing that names no cart may be about something else.
_ELSEWHERE = {*_WORDS, "unknown"} - {"add", "remove", "item", "out", "filler", "cart"}
_RULES: tuple[tuple[str | None, set[str], set[str]], ...] = (
    (None, {"never"}, set()),
    ("add_to_wishlist", {"wish", "add"}, {"remove"}),
    (None, {"wish", "remove"}, set()),
    ("refund", {"refund"}, {"page", "view"}),
    (None, {"beside"}, {"page", "view", "list"}),
    ("remove_from_cart", {"cart", "remove"}, {"payment", "shipping", "beside", "page"}),
    ("remove_from_cart", {"remove"}, _ELSEWHERE | {"cart"}),
    ("remove_from_cart", {"cart", "empty"}, {"add", "view", "page"}),
    (None, {"remove"}, {"page", "view", "list"}),
    ("remove_from_cart", {"cart", "out"}, {"add", "buy", "checkout", "view", "wish", "list"}),
    ("add_payment_info", {"payment", "add"}, {"done"}),
    ("add_shipping_info", {"shipping", "add"}, {"done"}),
    ("add_to_cart", {"cart", "add"}, {"list", "beside"}),
    ("add_to_cart", {"add"}, _ELSEWHERE | {"remove"}),
    (None, {"add"}, {"page", "view", "list"}),
    (None, {"cart", "change"}, set()),
    ("purchase", {"checkout", "done"}, set()),
    ("purchase", {"buy"}, {"view", "page"}),
    ("purchase", {"payment", "done"}, set()),
    ("add_payment_info", {"payment"}, {"view", "page"}),
    ("add_shipping_info", {"shipping"}, {"view", "page"}),
    ("begin_checkout", {"checkout"}, set()),
    ("search", {"search"}, set()),
    ("sign_up", {"signup"}, {"view", "page"}),
    ("login", {"login"}, {"view", "page"}),
    ("add_to_wishlist", {"wish"}, {"view", "page"}),
    ("view_cart", {"cart", "view"}, set()),
    ("view_cart", {"cart", "page"}, set()),
    ("view_item_list", {"list"}, set()),
    ("view_item", {"item"}, set()),
)


def _any_of(tokens: Sequence[str], words: frozenset[str]) -> bool:
    return any(
        token in words or any(len(word) >= _COMPOUND_LETTERS and word in token for word in words)
        for token in tokens
    )


def _holds(tokens: Sequence[str], phrase: tuple[str, ...]) -> bool:
    length = len(phrase)
    places = range(len(tokens) - length + 1)
    return any(tuple(tokens[at : at + length]) == phrase for at in places)
