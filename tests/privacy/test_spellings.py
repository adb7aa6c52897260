"""In which spellings and hashes addresses are looked for."""

import hashlib

import pytest

from orchestration.privacy.spellings import hashes_without_tags, spellings


@pytest.mark.parametrize(
    "spelled",
    [
        *("Anna@shop.example", "anna@shop.example", "ANNA@SHOP.EXAMPLE"),
        *("anna%40shop.example", "anna\\u0040shop.example"),
        "YW5uYUBzaG9wLmV4YW1wbGU=",
        hashlib.sha256(b"anna@shop.example").hexdigest(),
        *("+4915123456789", "4915123456789", "004915123456789", "015123456789"),
        *("+49 1512 3456789", "01512 3456789", "%2B4915123456789"),
    ],
)
def test_addresses_are_looked_for_in_every_spelling(spelled):
    found = spellings({"Anna@shop.example"}, {"+4915123456789"})
    assert spelled in found


def test_hashes_that_ads_tools_get_are_looked_for_by_the_rule_of_the_tool():
    def sha256(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    found = spellings({"Test.User+x@googlemail.com", "Ann.Lee+x@notgmail.com"}, ())
    for address in (
        *("testuser@googlemail.com", "testuser@gmail.com", "test.user+x@googlemail.com"),
        "ann.lee+x@notgmail.com",
    ):
        assert sha256(address) in found
    # at other hosts that is another mailbox: it is taken out of files, and proves nothing
    assert sha256("annlee@notgmail.com") not in found
    assert hashes_without_tags(["Ann.Lee+x@notgmail.com "]) == [sha256("annlee@notgmail.com")]
