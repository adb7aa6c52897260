"""Names, places and countries as tools hash them: test vectors, and faults seen elsewhere."""

import pytest

from orchestration.outputs.exports import identifiers, names_and_places
from orchestration.outputs.exports.identifiers import UnusableValueError, sha256

FORMS = identifiers.FORMS | names_and_places.FORMS


@pytest.mark.parametrize(
    ("form", "text", "normal", "digest"),
    [
        (
            "name_google",
            " Émilie ",
            "émilie",
            "2863487194ad92314c0d76b8e4fe04d127789e79c94081329c682b7beea2bf6c",
        ),
        (
            "name_meta",
            " Émilie ",
            "émilie",
            "2863487194ad92314c0d76b8e4fe04d127789e79c94081329c682b7beea2bf6c",
        ),
        (
            "name_google",
            "O'Brien",
            "o'brien",
            "65b87174be3b1b122e2b0929f0b84888637d31a4a83bb96a860bcff411f5e668",
        ),
        (
            "name_meta",
            "O'Brien",
            "obrien",
            "b4cb6cb33fe4b865868de825023a1e2790dc12ac01ecc8d7c5afe8254071c8ba",
        ),
        (
            "name_google",
            "de la Cruz",
            "de la cruz",
            "341a715580af4bbc3c3bff363245177e84fbc38c4a77d3047edeb6bee38495aa",
        ),
        (
            "name_meta",
            "de la Cruz",
            "delacruz",
            "6e612c2cd2e7b0e9ebcee301bc7102e8b300fa3df820693946b20e1b9a8793fa",
        ),
        (
            "city_meta",
            "New York",
            "newyork",
            "350c754ba4d38897693aa077ef43072a859d23f613443133fecbbd90a3512ca5",
        ),
        (
            "state_meta",
            "California",
            "ca",
            "6959097001d10501ac7d54c0bdb8db61420f658f2922cc26e46d536119a31126",
        ),
        (
            "zip_meta",
            "94035-1234",
            "94035",
            "1794327a4d443904421f5ca1f3d72d0a62ba2f0770d80755ec2220fc0efb052e",
        ),
        (
            "zip_meta",
            "M1 1AE",
            "m11ae",
            "1dc694c2070e697769fb959b50671d76cafd430d8ca191fbdd0affcaea344ac5",
        ),
        (
            "country_lower",
            "US",
            "us",
            "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
        ),
        (
            "country_lower",
            "GB",
            "gb",
            "0b407281768f0e833afef47ed464b6571d01ca4d53c12ce5c51d1462f4ad6677",
        ),
    ],
)
def test_names_and_places_have_the_hash_that_their_tool_computes(form, text, normal, digest):
    assert FORMS[form](text) == normal
    assert sha256(normal) == digest


def test_a_name_never_loses_the_lower_case():
    assert FORMS["name_google"]("  ANN ") == FORMS["name_meta"]("A NN.") == "ann"


def test_places_of_meta_keep_what_other_implementations_lose():
    # Segment returns early at the dash, and drops letters with accents
    assert FORMS["zip_meta"](" SW1A 1AA-x ") == "sw1a1aa"
    assert FORMS["city_meta"]("São Paulo") == "saopaulo"
    assert FORMS["name_meta"]("Émilie") == "émilie"  # Meta's own older helper: milie
    assert FORMS["state_meta"]("new  YORK") == "ny"
    assert FORMS["state_meta"]("Québec") == "qc"
    assert FORMS["state_meta"]("Bayern") == "bayern"
    assert len(names_and_places._STATES) == 64
    assert FORMS["zip_google"](" 1229-076 ") == "1229-076"


@pytest.mark.parametrize(
    ("form", "text"),
    [("city_meta", "東京"), ("city_meta", "12"), ("zip_meta", "9"), ("name_meta", " .- ")],
)
def test_a_place_or_name_of_which_nothing_is_left_is_refused(form, text):
    with pytest.raises(UnusableValueError):
        FORMS[form](text)
