"""Reading yml: what is none is said in one way, whatever the parser stumbles over."""

from contextlib import suppress

import pytest
import yaml

from orchestration.ground.errors import WrongUsage
from orchestration.ground.triggers import parse_trigger
from orchestration.ground.yml import parsed_yml

# values of a tag that does not fit them, of which the parser raises anything but its own error
UNFIT = (
    *("!!bool maybe", "!!timestamp soon", "!!int ''", "!!float ''", "2026-13-45"),
    *("!!set [a]", "&a [*a]", "[" * 3000 + "]" * 3000, "9" * 5000, "\0"),
)


@pytest.mark.parametrize("written", UNFIT)
def test_a_value_that_does_not_fit_is_no_yml_or_none_that_is_asked_for(written: str):
    for text in (written, f"a: {written}", f"? {written}\n: b", f"- {written}"):
        with suppress(yaml.YAMLError):
            parsed_yml(text)
        with pytest.raises(WrongUsage, match=r"^[^\n]*a\.yml[^\n]*$"):
            parse_trigger(text, "a.yml")


def test_a_value_that_the_parser_cannot_make_is_named():
    with pytest.raises(yaml.YAMLError, match="a value that does not fit"):
        parsed_yml("version: !!int ''")
