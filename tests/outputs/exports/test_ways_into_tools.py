"""The ways into tools on the page of exports: their settings, file names and columns are real."""

import re
import tomllib

import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.settings import parse_settings
from orchestration.ground.settings_exports import CART_SEGMENTS
from tests.outputs.exports.shops import HOUR, TEN, Shop

WAYS = ("Into Klaviyo", "Into Braze", "Into Google Ads", "Into Meta", "Onto an SFTP")
# Beside columns and files: what stands in cells, in the settings, and beside the files.
OTHER_WORDS = {
    *CART_SEGMENTS,
    *("none", "add", "identifier", "deliver_to", "known_hosts", "client_keys", "manifest.json"),
    *("comeback.toml", "exports/latest.json", "comeback deliver", "import/latest.json"),
}
# What a tool has to find in the files that its way names.
HEADERS = {
    "Into Klaviyo": {
        "klaviyo.full.csv": "Email,External ID,First Name,language,Timezone,country,cart_segment",
        "klaviyo.remove.csv": "Email,cart_segment,cart_priority,score_as_of",
        "opt_outs.full.csv": "email,reason,since",
    },
    "Into Braze": {
        "braze.full.csv": "external_id,first_name,language,time_zone,country,cart_segment",
        "braze.remove.csv": "external_id,cart_segment,cart_priority,score_as_of",
    },
    "Into Google Ads": {"google.full.csv": "Email,Phone", "google.remove.csv": "Email,Phone"},
    "Into Meta": {
        "meta.full.csv": "email,phone,country,value",
        "meta.remove.csv": "email,phone,country,value",
    },
    "Onto an SFTP": {
        "email.full.csv": "SubscriberKey,FirstName,language,TimeZone,country",
        "email.remove.csv": "SubscriberKey,cart_segment,cart_priority,score_as_of",
    },
}


def ways() -> dict[str, str]:
    page = (DBT_PROJECT / "docs" / "exports.md").read_text(encoding="utf-8")
    _, *parts = re.split(r"^#{2,3} (.*)\n", page, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("way", WAYS)
def test_settings_files_and_columns_of_a_way_are_those_that_there_are(shop: Shop, way: str):
    text = ways()[way]
    settings = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}\[))+", text, flags=re.MULTILINE)[0]
    shop.person("ann", 1, phone="030 901820")
    shop.person("bob", 2)
    parsed = parse_settings(tomllib.loads(re.sub(r"^ {4}", "", settings, flags=re.MULTILINE)))
    shop.export(TEN, parsed)
    shop.insert("vault.current_suppressions", channel="all", user_id="ann", reason="complaint")
    shop.cart("bob", 1, TEN + HOUR)
    files = {file.name: file for file in shop.export(TEN + HOUR, parsed).files}

    named = set(re.findall(r"`(\w+\.(?:full|add|remove)\.csv)`", text))
    assert named >= HEADERS[way].keys()
    assert named <= files.keys()
    for name, header in HEADERS[way].items():
        assert files[name].content.decode().startswith(header)
    columns = {column for name in named for column in files[name].columns}
    words = {
        word
        for word in re.findall(r"`([^`\n]+)`", text)
        if not word.startswith(("ssh-key", "identifier = ", "~/"))
    }
    assert words <= {*columns, *named, *OTHER_WORDS}
    removed = {name: files[name].rows for name in files if name.endswith(".remove.csv")}
    assert all(rows for name, rows in removed.items() if name != "opt_outs.remove.csv")
