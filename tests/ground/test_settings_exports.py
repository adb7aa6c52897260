"""What a shop may set of its exports and of contacts."""

import pytest

from orchestration.ground.errors import ComebackError
from orchestration.ground.settings import Settings, load_settings, parse_settings
from orchestration.ground.settings_exports import Export


def test_without_any_there_are_four_exports_and_one_of_the_shop_takes_their_place():
    exports = Settings().exports
    assert {name: each.profile for name, each in exports.items()} == {
        "email": "email",
        "google": "google_customer_match",
        "meta": "meta_custom_audience",
        "suppressions": "suppressions",
    }
    assert [each.hours_between_full for each in exports.values()] == [1, 24, 24, 1]
    assert {each.window_days for each in exports.values()} == {7}
    assert {each.most_removed_share for each in exports.values()} == {0.3}
    own = parse_settings({"exports": {"crm": {"profile": "email", "preset": "braze"}}})
    assert own.exports == {"crm": Export(profile="email", preset="braze")}
    assert own.digest != Settings().digest


def test_contacts_are_those_of_the_contract_unless_the_shop_sets_others():
    contacts = Settings().contacts
    assert (contacts.cooldown_hours, contacts.most_in_7_days) == (24, 3)
    assert (contacts.quiet_from, contacts.quiet_until) == (22, 8)
    assert parse_settings({"contacts": {"quiet_from": 20}}).digest != Settings().digest


@pytest.mark.parametrize(
    "address",
    [
        "/srv/out",
        "file:///srv/out",
        "s3://bucket/a/b",
        "sftp://shop@sftp.example:2222/in",
        "memory://x",
    ],
)
def test_exports_can_be_delivered_to_a_folder_or_any_address(address):
    exports = {"email": {"profile": "email", "deliver_to": f"{address}/"}}
    assert parse_settings({"exports": exports}).exports["email"].deliver_to == address
    assert Settings().exports["email"].deliver_to == Settings().notify == ""


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("sftp://shop:SECRET@sftp.example/in", r"password in it: .*\[exports.email\]"),
        ("s3://KEY:SECRET@bucket/in", "deliver_to has a password in it"),
        ("sftp://shop:SE@CRET@sftp.example/in", "deliver_to has a password in it"),
        ("sftp://shop:SECRET", "deliver_to is no address that can be read"),
        ("s3://bucket/in?secret=SECRET", "deliver_to has more in it than a place"),
        ("simplecache::s3://bucket/SECRET", "deliver_to has more in it than a place"),
        (
            "file://SECRET/out",
            "deliver_to is a folder, whose address has three slashes as in file:",
        ),
        ("out/SECRET", "deliver_to must be an absolute folder or an address"),
        ("s3://bucket/ SECRET", "deliver_to has blanks or control characters"),
        (["sftp://shop:SECRET@host/in"], "deliver_to must be a text"),
    ],
)
def test_an_address_with_a_password_is_refused_by_name_and_shown_nowhere(address, complaint):
    with pytest.raises(ComebackError, match=complaint) as failure:
        parse_settings({"exports": {"email": {"profile": "email", "deliver_to": address}}})
    assert "SECRET" not in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_folder_in_the_home_is_no_place_to_deliver_to(tmp_path):
    file = tmp_path / "home" / "comeback.toml"
    file.parent.mkdir()
    (tmp_path / "link").symlink_to(file.parent)
    entry = '[exports.crm]\nprofile = "email"\ndeliver_to = "{}"\n'
    for address in (file.parent, f"{file.parent}/out", f"file://{tmp_path}/link/landing/x"):
        file.write_text(entry.format(address))
        with pytest.raises(
            ComebackError, match=r"lies in COMEBACK_HOME, .*\[exports.crm\], choose"
        ):
            load_settings(file.parent)
    file.write_text(entry.format(f"{tmp_path}/home-out"))
    assert load_settings(file.parent).exports["crm"].folder == tmp_path / "home-out"


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("https://user:SECRET@hooks.example/x", "notify has a password in it"),
        ("https://SECRET@hooks.example/x", "notify has a user in it"),
        ("http://hooks.example/SECRET", "notify must begin with https://"),
        ("ftp://hooks.example/SECRET", "notify must begin with https://"),
        ("https://", "notify must begin with https://"),
        (3, "notify must be a text"),
    ],
)
def test_a_web_address_is_safe_or_refused(address, complaint):
    with pytest.raises(ComebackError, match=complaint) as failure:
        parse_settings({"notify": address})
    assert "SECRET" not in str(failure.value)
    for good in ("https://hooks.example/x?y=1", "http://127.0.0.1:8080/x"):
        assert parse_settings({"notify": good, "notify_failures": good}).notify == good


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"notify_failures": "ops@shop.example"}, "notify_failures must begin with https://"),
        (
            {"notify_failures": "https://me:SECRET@hooks.example"},
            "notify_failures has a password in it",
        ),
        (
            {"notify_failures": "mailto:a@b,c@d"},
            "notify_failures must be one address such as mailto:ops@",
        ),
        ({"notify_failures": "mailto:"}, "notify_failures must be one address"),
        ({"mail_server": "localhost"}, "'mail_server' cannot be 'localhost', .*, give HOST:PORT"),
    ],
)
def test_an_alert_goes_to_a_web_address_or_one_of_mail(values, complaint):
    with pytest.raises(ComebackError, match=complaint):
        parse_settings(values)
    mail = {"notify_failures": "mailto:ops@shop.example", "mail_server": "mail.shop.example:587"}
    assert parse_settings(mail).notify_failures == "mailto:ops@shop.example"
    assert parse_settings(mail).digest == parse_settings({}).digest


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"exports": {"email": {}}}, r"'profile' is not set, .*\[exports.email\], give one of"),
        ({"exports": {"email": {"profile": "mail"}}}, "'profile' cannot be 'mail'"),
        ({"exports": {"email": {"profil": "email"}}}, "did you mean 'profile'"),
        ({"exports": {"a/b": {"profile": "email"}}}, "'a/b' is no name of an export"),
        ({"exports": {"Mail": {"profile": "email"}}}, "'Mail' is no name of an export"),
        ({"exports": {"..": {"profile": "email"}}}, "'..' is no name of an export"),
        ({"exports": {"a": 3}}, r"'a' cannot be 3, .*give a table \[a\]"),
        ({"exports": {"a": {"profile": "email", "segments": ["X"]}}}, "give a list, each one of"),
        ({"contacts": {"cart_url": "https://a/{x}"}}, "cart_url knows {cart_id} and {external_id}"),
        ({"contacts": {"cart_url": "https://a/{"}}, "the pattern of cart_url cannot be read"),
        ({"contacts": {"cart_url": "javascript:{cart_id}"}}, "cart_url must begin with https"),
        ({"contacts": {"time_zone": "Mars"}}, "'Mars' is no time zone"),
        ({"contacts": {"country": "Germany"}}, "give a country's code such as DE, or nothing"),
        ({"contacts": {"country": "ZZ"}}, "'ZZ' is no code of a country such as DE"),
        (
            {"exports": {"a": {"profile": "email", "countries_without_consent": ["ZZ"]}}},
            "'ZZ' is no code of a country such as DE",
        ),
    ],
)
def test_what_no_export_and_no_contact_can_be_is_refused_in_one_line(values, complaint):
    with pytest.raises(ComebackError, match=complaint) as failure:
        parse_settings(values)
    assert "\n" not in str(failure.value)


def test_a_country_of_the_settings_is_that_of_profiles_however_it_is_called():
    ads = {"profile": "google_customer_match", "countries_without_consent": ["UK", "US"]}
    said = {"contacts": {"country": "EL"}, "exports": {"ads": ads}}
    settings = parse_settings(said)
    assert settings.contacts.country == "GR"
    assert settings.exports["ads"].countries_without_consent == ("GB", "US")
    assert parse_settings({}).contacts.country == ""
