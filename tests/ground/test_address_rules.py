"""The file of a shop's own address rules: what is read, and the one line that refuses it."""

import pytest

from orchestration.ground.address_rules import AddressRule, load_address_rules, parse_address_rules
from orchestration.ground.errors import ComebackError
from orchestration.ground.settings import Settings, load_settings, parse_settings
from orchestration.warehouse.dbt_build import dbt_vars

HEADER = "pattern,page_type,category,item_id"


def test_rules_are_read_in_their_order_with_remarks_and_blank_lines_between(tmp_path):
    (tmp_path / "address_rules.csv").write_text(
        "# ours\n\nPattern;Page_Type;Category\n/c/**/{category}/;list\n"
        '# below: tents\n/gear/*tent*;item;"tents; big"\n',
        encoding="utf-8-sig",
    )
    assert load_address_rules(tmp_path) == (
        AddressRule(pattern="/c/**/{category}/", page_type="list"),
        AddressRule(pattern="/gear/*tent*", page_type="item", category="tents; big"),
    )


def test_without_a_file_or_with_an_empty_one_a_shop_has_no_rules_of_its_own(tmp_path):
    assert load_address_rules(tmp_path) == ()
    (tmp_path / "address_rules.csv").write_text("\n# none yet\n")
    assert load_address_rules(tmp_path) == ()
    assert load_settings(tmp_path) == Settings()


def test_another_rule_makes_the_next_build_a_full_one_and_scores_others(tmp_path):
    (tmp_path / "address_rules.csv").write_text(f"{HEADER}\n/gear/*/*,item,,2\n")
    (tmp_path / "comeback.toml").write_text("threads = 3\n")
    settings = load_settings(tmp_path)
    assert settings.threads == 3
    assert dbt_vars(settings)["address_rules"] == [
        {"pattern": "/gear/*/*", "page_type": "item", "category": "", "item_id": 2}
    ]
    assert "address_rules" in dbt_vars(settings)["log_variables"]
    assert settings.digest != Settings().digest


def test_rules_are_no_setting_of_the_other_file():
    with pytest.raises(ComebackError, match="'address_rules' is no setting of this file"):
        parse_settings({"address_rules": []})


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("p/*,item,,", r"'p/\*' does not begin with a slash, .*, line 2, give the path alone"),
        ("https://shop.example/p,item,,", "does not begin with a slash"),
        (",item,,", "'' does not begin with a slash"),
        ("/p/{id},item,,", r"'\{id\}' has braces, .*, the names are \{item_id\} and \{category\}"),
        ("/p/{item_id,item,,", "has braces"),
        ("/p/{item_id}/{item_id},item,,", r"has \{item_id\} twice"),
        ("/p/{item_id}*,item,,", r"in '\{item_id\}\*' nothing stands between two"),
        ("/p/a**,item,,", r"in 'a\*\*' nothing stands between two"),
        ("/**/a/**,item,,", r"has \*\* twice"),
        ("/p//x,item,,", "a part that is empty"),
        ("/p#x,item,,", "'#' is no part of a pattern"),
        ("/p%20x,item,,", "'%' is no part of a pattern"),
        ("/p\\x,item,,", "is no part of a pattern"),
        ("/p?,item,,", "'' is no parameter"),
        ("/p?id,item,,", "'id' is no parameter of a pattern, .*, write name="),
        ("/p?id=1=2,item,,", "is no parameter"),
        ("/p?*=1,item,,", "is no parameter"),
        ("/p,product,,", "'product' is no page type, .*, it is called item"),
        ("/p,Category,,", "'Category' is no page type, .*, it is called list"),
        ("/p,,,", "the page type is ''"),
        ("/p,My page,,", "the page type is 'My page'"),
        ("/{category}/p,list,shoes,", "the category is given twice"),
        ("/p/{item_id},item,,1", "the item is given twice"),
        ("/p/*,item,,two", "item_id is 'two', .*, give the number of a part"),
        ("/p/*,item,,0", "item_id is '0'"),
        ("/p/{item_id},list,,", "a page of type list has no item"),
        ('/p,page,"shoes,', "the quotes of the line do not fit"),
        ("/p,page,,,", "5 fields where 4 have a name"),
    ],
)
def test_a_line_that_is_no_rule_is_refused_in_one_line(line, complaint):
    with pytest.raises(ComebackError, match=complaint) as failure:
        parse_address_rules(f"{HEADER}\n{line}\n")
    assert "address_rules.csv, line 2" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_pattern_that_stands_twice_is_refused_at_its_second_line():
    with pytest.raises(ComebackError, match=r"/a stands twice, address_rules\.csv, line 4"):
        parse_address_rules(f"{HEADER}\n/a,page\n# again\n/a,item\n")


@pytest.mark.parametrize("header", ["/p/{item_id},item", "pattern,category", "pattern,page_type,x"])
def test_a_file_without_its_header_is_refused(header):
    with pytest.raises(ComebackError, match="write: pattern,page_type,category,item_id"):
        parse_address_rules(f"{header}\n/a,page\n")


def test_a_file_that_is_no_text_is_refused_in_one_line(tmp_path):
    (tmp_path / "address_rules.csv").write_bytes(b"pattern,page_type\n/gr\xf6sse,page\n")
    with pytest.raises(ComebackError, match="save them as CSV in UTF-8"):
        load_settings(tmp_path)
