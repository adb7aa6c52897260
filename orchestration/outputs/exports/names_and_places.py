"""Names, cities, states and postal codes in the forms that ads tools hash.

Belongs here: those forms, for presets that send more than e-mail and phone. No preset that comes
with Comeback does: what tools say of names contradicts itself, and a wrong form never matches.
Not here: e-mail, phone and country (`identifiers`).
"""

import re
import string
import unicodedata
from collections.abc import Callable

from orchestration.outputs.exports.identifiers import EMPTY, UNREADABLE, UnusableValueError

_PUNCTUATION = str.maketrans("", "", string.punctuation + "\u2019\u2018")
_STATES_AND_CODES = """
alabama al, alaska ak, arizona az, arkansas ar, california ca, colorado co, connecticut ct,
delaware de, district of columbia dc, florida fl, georgia ga, hawaii hi, idaho id, illinois il,
indiana in, iowa ia, kansas ks, kentucky ky, louisiana la, maine me, maryland md, massachusetts
ma, michigan mi, minnesota mn, mississippi ms, missouri mo, montana mt, nebraska ne, nevada nv,
new hampshire nh, new jersey nj, new mexico nm, new york ny, north carolina nc, north dakota nd,
ohio oh, oklahoma ok, oregon or, pennsylvania pa, rhode island ri, south carolina sc, south
dakota sd, tennessee tn, texas tx, utah ut, vermont vt, virginia va, washington wa, west
virginia wv, wisconsin wi, wyoming wy, alberta ab, british columbia bc, manitoba mb, new
brunswick nb, newfoundland and labrador nl, nova scotia ns, northwest territories nt, nunavut
nu, ontario on, prince edward island pe, quebec qc, saskatchewan sk, yukon yt
"""
_STATES = {
    pair.rpartition(" ")[0].replace(" ", ""): pair[-2:]
    for pair in " ".join(_STATES_AND_CODES.split()).split(", ")
}


def name_google(text: str) -> str:
    """A first or last name as Google hashes it: lower case, no blanks around it.

    Raises:
        UnusableValueError: nothing is left; so in all functions here.
    """
    return _kept(_lower(text))


def name_meta(text: str) -> str:
    """The same as Meta hashes it: also without blanks and punctuation inside, accents kept."""
    return _kept(_without_blanks(_lower(text)).translate(_PUNCTUATION))


def city_meta(text: str) -> str:
    """A city as Meta hashes it: the letters a-z; accents are taken off, other scripts refused."""
    decomposed = unicodedata.normalize("NFKD", _lower(text))
    letters = "".join(each for each in decomposed if each.isalpha())
    if not letters.isascii():
        raise UnusableValueError(UNREADABLE)
    return _kept(letters)


def state_meta(text: str) -> str:
    """A state as Meta hashes it: two letters in the United States and Canada, else as a city."""
    state = city_meta(text)
    return _STATES.get(state, state)


def zip_google(text: str) -> str:
    """A postal code as Google takes it, never hashed: no blanks around it."""
    return _kept(text.strip())


def zip_meta(text: str) -> str:
    """A postal code as Meta hashes it: lower case, up to the first `-`, without blanks."""
    code = _without_blanks(_lower(text)).partition("-")[0]
    if len(code) == 1:
        raise UnusableValueError(UNREADABLE)
    return _kept(code)


# How they are written, by the names that presets give these forms.
FORMS: dict[str, Callable[[str], str]] = {
    each.__name__: each
    for each in (name_google, name_meta, city_meta, state_meta, zip_google, zip_meta)
}


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().lower())


def _without_blanks(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _kept(text: str) -> str:
    if not text:
        raise UnusableValueError(EMPTY)
    return text
