"""What each tool's file looks like, by the rules that the tools publish."""

import re
from datetime import datetime

import polars as pl
import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError
from orchestration.ground.settings_exports import Export
from orchestration.ground.settings_schema import declared
from orchestration.outputs.exports.presets import (
    MERGE_FIELDS,
    Column,
    Preset,
    find_preset,
    presets,
    read_preset,
)
from orchestration.outputs.exports.rows import left_rows, merge_rows

EMAIL = ("generic", "klaviyo", "mailchimp", "braze", "hubspot", "customerio", "sfmc")
ADS = {
    "google_customer_match": "Email,Phone",
    "meta_custom_audience": "email,phone,country,value",
    "tiktok": "Email_SHA256,Phone_SHA256,Phone_SHA256",
    "microsoft": "Email",
    "linkedin": "email,firstname,lastname,jobtitle,employeecompany,country,googleaid",
    "pinterest": "email",
    "snap": "email",
    "reddit": "email",
}
AT = datetime(2026, 10, 31, 10, 0, 0, 5)


def header(name: str, identifier: str = "email") -> list[str]:
    preset = presets()[name]
    return preset.header(preset.fields(identifier))


def test_the_presets_are_those_of_the_contract():
    assert set(presets()) == {*EMAIL, *ADS, "suppressions"}
    assert {name for name, each in presets().items() if each.profile == "email"} == set(EMAIL)
    assert {name for name, each in presets().items() if each.is_ads} == set(ADS)
    assert all(each.documented_at for each in presets().values())


def test_the_settings_and_the_page_on_exports_name_the_presets_that_there_are():
    setting = declared(Export)["preset"].description
    page = (DBT_PROJECT / "docs" / "exports.md").read_text(encoding="utf-8")
    assert setting.startswith("The tool: of email generic, braze, customerio, ")
    for profile in ("email", "hashed_audience"):
        names = [name for name, each in presets().items() if each.profile == profile]
        (listed,) = re.findall(rf"^\| `{profile}` \| `([^`]+)` \|", page, re.MULTILINE)
        assert sorted(listed.split()) == names
        words = setting.partition(f"of {profile} ")[2].partition(";")[0].strip(".")
        assert sorted(re.split(r", | or ", words)) == names


def test_the_generic_file_has_the_merge_fields_of_the_contract_in_order():
    fields = (
        *("email", "external_id", "first_name", "language", "time_zone", "country"),
        *("cart_segment", "cart_action", "cart_priority", "cart_value", "cart_currency"),
        *("send_after", "valid_until", "score_as_of", "cart_url"),
    )
    items = [
        f"item_{i}_{each}"
        for i in (1, 2, 3)
        for each in ("id", "name", "quantity", "price", "url", "image")
    ]
    also = ["also_bought_1", "also_bought_2", "also_bought_3"]
    assert header("generic") == [*fields, *items, "item_count", *also]
    assert list(MERGE_FIELDS) == header("generic")


@pytest.mark.parametrize(("name", "columns"), ADS.items())
def test_a_file_for_ads_has_the_headers_of_its_tool(name, columns):
    assert ",".join(header(name)) == columns


def test_each_header_of_an_email_tool_is_there_once_and_people_can_be_found():
    identifiers = {
        "generic": "email",
        "klaviyo": "Email",
        "mailchimp": "Email Address",
        "braze": "email",
        "hubspot": "Email",
        "customerio": "email",
        "sfmc": "EmailAddress",
    }
    for name, identifier in identifiers.items():
        assert header(name).count(identifier) == 1
        assert len(set(header(name))) == len(header(name))


def test_braze_finds_people_by_exactly_one_identifier_and_knows_its_own_attributes():
    assert {"email", "external_id"}.intersection(header("braze")) == {"email"}
    assert {"email", "external_id"}.intersection(header("braze", "external_id")) == {"external_id"}
    assert {"first_name", "language", "country", "time_zone"} <= set(header("braze"))


def test_customerio_calls_an_external_id_id():
    assert "id" in header("customerio", "external_id")
    assert "email" not in header("customerio", "external_id")
    assert "timezone" in header("customerio")


def test_the_address_is_the_last_column_for_sfmc_of_those_who_left_too():
    preset = presets()["sfmc"]
    assert header("sfmc")[-1] == "EmailAddress"
    assert header("sfmc")[0] == "SubscriberKey"
    assert preset.header(preset.left_fields("email"))[-1] == "EmailAddress"
    assert left_rows(["a@example.com"], preset, "email", AT) == [
        "none,0,2026-10-31 10:00:00,a@example.com"
    ]


def test_merge_tags_of_mailchimp_have_ten_characters_at_most():
    tags = [each for each in header("mailchimp") if each != "Email Address"]
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]{0,9}", tag) for tag in tags)


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("generic", "2026-10-31T10:00:00Z"),
        ("klaviyo", "2026-10-31 10:00:00+00:00"),
        ("mailchimp", "2026-10-31"),
        ("braze", "2026-10-31T10:00:00Z"),
        ("hubspot", "1793440800000"),
        ("customerio", "1793440800"),
        ("sfmc", "2026-10-31 10:00:00"),
    ],
)
def test_times_are_written_as_the_tool_reads_them(name, time):
    persons = pl.DataFrame({"person_id": ["p"], "email": ["a@example.com"], "score_as_of": [AT]})
    row = merge_rows(persons, presets()[name], "email").frame["row"].item()
    assert time in row.split(",")


def test_a_tool_that_cuts_texts_gets_them_short_and_no_cut_address():
    long = "é" * 300
    persons = pl.DataFrame(
        {
            "person_id": ["p"],
            "email": ["a@example.com"],
            "first_name": [long],
            "cart_url": [f"https://shop.example/{'x' * 300}"],
        }
    )
    rows = merge_rows(persons, presets()["mailchimp"], "email")
    assert rows.blanked == {"cart_url": 1}
    assert "é" * 127 in rows.frame["row"].item().split(",")


def test_generic_is_the_own_preset_of_a_profile_with_one_tool():
    assert find_preset("meta_custom_audience", "generic", "m").header() == ADS[
        "meta_custom_audience"
    ].split(",")
    assert find_preset("suppressions", "generic", "s").profile == "suppressions"


@pytest.mark.parametrize(
    ("profile", "preset"), [("email", "tiktok"), ("hashed_audience", "generic")]
)
def test_a_preset_that_the_profile_lacks_is_refused_with_those_that_it_has(profile, preset):
    with pytest.raises(ComebackError, match=r"\[exports.mine\], use one of: ") as failure:
        find_preset(profile, preset, "mine")
    assert f"the profile {profile} has no preset '{preset}'" in str(failure.value)


def test_a_new_tool_is_one_small_file(tmp_path):
    path = tmp_path / "acme.toml"
    path.write_text(
        'profile = "email"\ndocumented_at = "acme.example"\nlast = "email"\n'
        'omit = ["cart_url"]\n[headers]\nemail = "MAIL"\n'
    )
    preset = read_preset(path)
    assert preset.header(preset.fields("email"))[-1] == "MAIL"
    assert "cart_url" not in preset.fields("email")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("profile = ", "no TOML"),
        ('profile = "fax"', "profile"),
        ('profile = "email"\nheader = {}', "header: Extra inputs"),
        ('profile = "email"\nheaders = {mail = "x"}', "'mail' is no field of the profile email"),
        ('profile = "email"\nheaders = {email = "country"}', "two columns would be called"),
        ('profile = "hashed_audience"', "have columns"),
        (
            'profile = "hashed_audience"\n'
            'columns = [{header = "Email", field = "email", form = "x"}]',
            "'x' is none of the forms",
        ),
        (
            'profile = "hashed_audience"\n'
            'columns = [{header = "E", field = "email", hashed = false}]',
            "carries no plain email",
        ),
        (
            'profile = "hashed_audience"\ncolumns = [{header = "C", field = "country"}]',
            "no column with an e-mail or a phone",
        ),
    ],
)
def test_a_file_that_is_no_preset_is_refused_in_one_line(tmp_path, text, complaint):
    path = tmp_path / "acme.toml"
    path.write_text(f'documented_at = "x"\n{text}')
    with pytest.raises(ComebackError, match=complaint) as failure:
        read_preset(path)
    assert "\n" not in str(failure.value)
    assert str(path) in str(failure.value)


def test_google_hashes_neither_country_nor_zip_and_meta_neither_value_nor_plus():
    google = Preset(
        profile="google_customer_match",
        documented_at="",
        columns=(
            Column(header="Email", field="email", form="email_google"),
            Column(header="Country", field="country", form="country_upper", hashed=False),
        ),
    )
    assert google.header() == ["Email", "Country"]
    meta = {column.field: column for column in presets()["meta_custom_audience"].columns}
    assert (meta["phone"].form, meta["value"].hashed) == ("phone_digits", False)
