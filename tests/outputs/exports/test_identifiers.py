"""E-mail, phone and country: published test vectors, and faults seen elsewhere."""

import hashlib
import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from orchestration.outputs.exports.identifiers import (
    EMPTY,
    FORMS,
    LOOKS_HASHED,
    UNREADABLE,
    UnusableValueError,
    normal_country,
    normal_email,
    normal_phone,
    sha256,
)

EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def email(text: str, form: str = "plain") -> str:
    return FORMS[form](normal_email(text))


def phone(text: str, country: str | None, form: str = "phone_e164") -> str:
    return FORMS[form](normal_phone(text, country))


@pytest.mark.parametrize(
    ("form", "text", "normal", "digest"),
    [
        (
            "plain",
            "  Jane.Doe+Promo@GMAIL.com ",
            "jane.doe+promo@gmail.com",
            "5f0d1df1fc49e30424381b57b1d4c73e067772a4267dde043a19b026935602c8",
        ),
        # TikTok publishes this one, too
        (
            "email_google",
            "  Jane.Doe+Promo@GMAIL.com ",
            "janedoe@gmail.com",
            "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69",
        ),
        (
            "plain",
            "Test.User@googlemail.com",
            "test.user@googlemail.com",
            "f60f8555710483f6d082157013ca06779173aa5454a6f0255dcf2258f007a834",
        ),
        (
            "email_google",
            "Test.User@googlemail.com",
            "testuser@googlemail.com",
            "06bfc6aa38674253530e62f2b585d63e3786cbb759b81b73df34ae80894d8813",
        ),
        (
            "plain",
            "user.name+NYC@Example.com",
            "user.name+nyc@example.com",
            "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac",
        ),
        (
            "email_google",
            "user.name+NYC@Example.com",
            "user.name+nyc@example.com",
            "f109a2a632fbcea5fc82049f50beed3d8621bf9034399f437fb622222acccdac",
        ),
        (
            "email_strip_all",
            "user.name+NYC@Example.com",
            "username@example.com",
            "795bcb4bf560f9867afb3de2d0d3a94976324007c45ea099ec14e90231540547",
        ),
        (
            "plain",
            "  ALEXZ@example.com   ",
            "alexz@example.com",
            "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a",
        ),
        (
            "email_google",
            "  ALEXZ@example.com   ",
            "alexz@example.com",
            "509e933019bb285a134a9334b8bb679dff79d0ce023d529af4bd744d47b4fd8a",
        ),
        (
            "plain",
            "ANN@Example.CO.UK",
            "ann@example.co.uk",
            "08856a93768ddd417175870ac3048401aeaa479ca7ca4bc4bfc4dbb4432b4de2",
        ),
        (
            "email_google",
            "ANN@Example.CO.UK",
            "ann@example.co.uk",
            "08856a93768ddd417175870ac3048401aeaa479ca7ca4bc4bfc4dbb4432b4de2",
        ),
        # Google's own: dots and the suffix go at gmail only
        (
            "email_google",
            "cloudy.sanfrancisco+shopping@gmail.com",
            "cloudysanfrancisco@gmail.com",
            hashlib.sha256(b"cloudysanfrancisco@gmail.com").hexdigest(),
        ),
    ],
)
def test_an_address_has_the_hash_that_its_tool_computes(form, text, normal, digest):
    assert email(text, form) == normal
    assert sha256(normal) == digest


@pytest.mark.parametrize(
    ("form", "text", "country", "normal", "digest"),
    [
        (
            "phone_e164",
            "(800) 555-0100",
            "US",
            "+18005550100",
            "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30",
        ),
        (
            "phone_digits",
            "(800) 555-0100",
            "US",
            "18005550100",
            "92cfdc5fbcd4a20fbe5d3857af6c1aba31762105bba7f21a17155e920653046c",
        ),
        (
            "phone_e164",
            "(657)777-0000",
            "US",
            "+16577770000",
            "a6e82c2f4091baff57a4f33d01efb65bfbeacbbfbcfaa9d0ff9f57d28d78fedb",
        ),
        (
            "phone_digits",
            "(657)777-0000",
            "US",
            "16577770000",
            "8d7bdaaf75196f351d22942fc0dd79304ffabc3eaf3339460ef9da0773e3aec2",
        ),
        (
            "phone_e164",
            "374-93-828222",
            "AM",
            "+37493828222",
            "241371e614f8650dfae0f111361c69de1bb4829a72b71bb8044daae8b2e7791d",
        ),
        (
            "phone_digits",
            "374-93-828222",
            "AM",
            "37493828222",
            "65b7e6dcf6f4310f8d7cbfbd78289a753062fb054d6664fb9aaac5df66a422d4",
        ),
        (
            "phone_e164",
            "07700 900123",
            "GB",
            "+447700900123",
            "a8acc3a90a7b4e4dc65e93db9240ed26523050ef754d63b75b5161de76781436",
        ),
        (
            "phone_digits",
            "07700 900123",
            "GB",
            "447700900123",
            "033134b911b137918338415ee3d20a064b24773d36a3b02e8b99fdd3fcd6b4cd",
        ),
    ],
)
def test_a_phone_number_has_the_hash_that_its_tool_computes(form, text, country, normal, digest):
    assert phone(text, country, form) == normal
    assert sha256(normal) == digest


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a@b", UNREADABLE),
        ("x..y@example.com", UNREADABLE),
        ("ann@exa mple.com", UNREADABLE),
        ('"quoted"@example.com', UNREADABLE),
        ("a@test.invalid", UNREADABLE),
        ("...@gmail.com", UNREADABLE),
        ("@example.com", UNREADABLE),
        ("ann", UNREADABLE),
        ("ann@example.com, bob@example.com", UNREADABLE),
        (f"{'a' * 65}@example.com", UNREADABLE),
        (f"a@{'b' * 260}.com", UNREADABLE),
        ("a@\x00example.com", UNREADABLE),
        ("", EMPTY),
        (None, EMPTY),
        ("   \N{NO-BREAK SPACE}", EMPTY),
        ("d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69", LOOKS_HASHED),
        (" D6117306485ED0E50AFAB3AC871E98F81699151F30281527D63FF5F233656C69\n", LOOKS_HASHED),
        (EMPTY_HASH, LOOKS_HASHED),
        (hashlib.md5(b"ann@example.com").hexdigest(), LOOKS_HASHED),
        (hashlib.sha1(b"ann@example.com").hexdigest(), LOOKS_HASHED),
    ],
)
def test_what_is_no_address_is_refused_and_the_error_does_not_show_it(text, fault):
    with pytest.raises(UnusableValueError) as refusal:
        normal_email(text)
    assert refusal.value.fault == fault
    assert str(refusal.value) == fault


@pytest.mark.parametrize(
    ("text", "country", "fault"),
    [
        ("+0000000000", None, UNREADABLE),
        ("+0000000000", "US", UNREADABLE),
        ("12345", "US", UNREADABLE),
        ("0", "DE", UNREADABLE),
        ("call me", "US", UNREADABLE),
        # RudderStack and Google's own helper make +07700900123 of it
        ("07700900123", None, UNREADABLE),
        ("07700900123", "", UNREADABLE),
        # floats that lost digits
        ("4.91512E+12", "DE", UNREADABLE),
        ("4.9151e12", "US", UNREADABLE),
        # a plus that was lost says nothing where the country is another or none
        ("447911123456", None, UNREADABLE),
        ("", "US", EMPTY),
        (None, None, EMPTY),
        ("fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30", "US", LOOKS_HASHED),
    ],
)
def test_what_is_no_phone_number_is_refused_and_no_prefix_is_guessed(text, country, fault):
    with pytest.raises(UnusableValueError) as refusal:
        normal_phone(text, country)
    assert str(refusal.value) == refusal.value.fault == fault


@pytest.mark.parametrize(
    ("text", "country", "normal"),
    [
        ("06 1234 5678", "IT", "+390612345678"),  # the zero is a part of Italian numbers
        ("0044 7700 900123", "GB", "+447700900123"),
        ("00447700900123", "DE", "+447700900123"),
        ("+44\N{NON-BREAKING HYPHEN}7700\N{NON-BREAKING HYPHEN}900123", None, "+447700900123"),
        ("tel:+44-7700-900123", None, "+447700900123"),
        ("(0) 7700 900123", "GB", "+447700900123"),
        ("\uff0b\uff14\uff14 7700 900123", None, "+447700900123"),
        # a column of numbers with gaps, as pandas or Excel writes it, and a plus that was lost so
        ("15123456789.0", "DE", "+4915123456789"),
        ("4915123456789.0", "DE", "+4915123456789"),
        ("4.915123456789E+12", "DE", "+4915123456789"),
        ("4915123456789", "DE", "+4915123456789"),
        ("447911123456,00", "GB", "+447911123456"),
    ],
)
def test_a_phone_number_is_one_however_it_is_written(text, country, normal):
    assert normal_phone(text, country) == normal


def test_spellings_of_one_address_are_one_address():
    composed = "Émilie@exämple.com"
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert normal_email(composed) == normal_email(decomposed) == "émilie@exämple.com"
    assert normal_email("\ufeff Ann@Example.com\r\n") == "ann@example.com"
    assert normal_email("\N{NO-BREAK SPACE}ANN@EXAMPLE.COM\N{ZERO WIDTH SPACE}") == (
        "ann@example.com"
    )


def test_only_mailboxes_of_google_lose_their_dots_and_all_of_them():
    # Segment's pattern takes gmailx.org for gmail, and its replacement removes the first dot only
    assert email("a.b.c+x+y@gmail.com", "email_google") == "abc@gmail.com"
    assert email("a.b+x@gmailx.org", "email_google") == "a.b+x@gmailx.org"
    assert email("a.b+x@mail.gmail.com", "email_google") == "a.b+x@mail.gmail.com"
    # and its TikTok audiences strip those of every domain
    assert email("a.b+x@example.com", "plain") == "a.b+x@example.com"
    # googlemail.com is not rewritten
    assert email("a.b@googlemail.com", "email_google") == "ab@googlemail.com"


@pytest.mark.parametrize("form", ["email_google", "email_strip_all"])
def test_an_address_of_which_nothing_is_left_is_refused(form):
    with pytest.raises(UnusableValueError):
        FORMS[form](normal_email("+news@gmail.com"))


def test_a_form_never_loses_the_lower_case():
    # Google's sample forgets it where it removes blanks, Segment's LinkedIn audience altogether
    for form in ("plain", "email_google", "email_strip_all"):
        assert email("ANN@EXAMPLE.COM", form) == "ann@example.com"


def test_a_digit_form_of_meta_has_neither_plus_nor_leading_zeros():
    assert phone("00447123456789", "FR", "phone_digits") == "447123456789"


@pytest.mark.parametrize("text", ["", EMPTY_HASH, "d41d8cd98f00b204e9800998ecf8427e"])
def test_neither_nothing_nor_a_hash_is_hashed(text):
    with pytest.raises(UnusableValueError):
        sha256(text)
    assert hashlib.sha256(b"").hexdigest() == EMPTY_HASH


@pytest.mark.parametrize(
    ("text", "code"),
    [("us", "US"), (" GB ", "GB"), ("UK", "GB"), ("el", "GR"), ("GR", "GR"), ("XK", "XK")],
)
def test_a_country_is_its_code_in_upper_case(text, code):
    assert normal_country(text) == code


@pytest.mark.parametrize("text", ["", None, "ZZ", "001", "Germany", "EU"])
def test_what_is_no_code_of_a_country_is_refused(text):
    with pytest.raises(UnusableValueError):
        normal_country(text)


LOCAL_SIGNS = st.sampled_from("abcXYZ019._-+%'é @\"")


@given(st.text(LOCAL_SIGNS, max_size=70), st.sampled_from(["example.com", "Ex-ample.co.uk", "b"]))
def test_a_plain_address_is_taken_exactly_where_the_validator_takes_it(local, domain):
    text = f"{local}@{domain}"
    try:
        expected = validate_email(
            text.strip().lower(), check_deliverability=False, strict=True
        ).normalized
    except EmailNotValidError:
        expected = None
    try:
        found = normal_email(text)
    except UnusableValueError:
        found = None
    assert found == (expected and expected.lower())
