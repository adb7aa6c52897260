"""The pages of the rules, `dbt_project/docs/rules*.md`: each file, test and macro in them exists.

Belongs here: what can be checked of them, and of the links of all pages, without reading them. Not
here: the rules themselves; the tests that the pages name check those.
"""

import re
from pathlib import Path

import pytest

from .all_cases import CASES
from .dbt_runs import PROJECT

REPOSITORY = PROJECT.parent
RULES = (
    *("rules.md", "rules_carts.md", "rules_scores.md", "rules_people.md"),
    *("rules_behaviour.md", "rules_triggers.md", "rules_calendar.md"),
)
TEXT = "".join((PROJECT / "docs" / name).read_text(encoding="utf-8") for name in RULES)
PAGES = (REPOSITORY / "README.md", *sorted((PROJECT / "docs").rglob("*.md")))
LINKS = sorted(
    {
        (page.name, text, link)
        for page in PAGES
        for text, link in re.findall(r"\[([^\]]+)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
        if "://" not in link
    }
)
ANCHORS = re.findall(r'<a id="([\w-]+)">', TEXT)
# The last cell of each row of a table: what shows the case.
PROOFS = [line.rsplit("|", 2)[1] for line in TEXT.splitlines() if line.startswith("| ")]
PYTHON_TESTS = {
    name
    for path in (REPOSITORY / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
}
UNIT_TESTS = {
    name
    for path in PROJECT.rglob("*_unit_tests.yml")
    for name in re.findall(r"^  - name: (\w+)$", path.read_text(encoding="utf-8"), re.M)
}
SINGULAR_TESTS = {path.stem for path in (PROJECT / "tests").glob("*.sql")}
TESTS = PYTHON_TESTS | UNIT_TESTS | SINGULAR_TESTS


def anchored(page: Path) -> set[str]:
    """The anchors that a page sets by hand."""
    return set(re.findall(r'<a id="([\w-]+)">', page.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("name", "text", "link"), LINKS, ids=[f"{n}-{k}" for n, _, k in LINKS])
def test_a_link_of_a_page_leads_somewhere_and_to_the_macros_it_names(name, text, link):
    (page,) = (page for page in PAGES if page.name == name)
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.exists()
    assert not anchor or anchor in anchored(target)
    for macro in re.findall(r"(\w+)\(\)", text):
        assert f"macro {macro}(" in target.read_text(encoding="utf-8")


def test_every_case_the_pages_quote_is_one_of_the_hand_made():
    quoted = {case for proof in PROOFS for case in re.findall(r'"([^"]+)"', proof)}
    assert quoted - {case.name for case in CASES} == set()
    assert len(quoted) > 60


def test_every_test_the_pages_name_exists():
    named = {name for proof in PROOFS for name in re.findall(r"`(\w+)`", proof)}
    named |= set(re.findall(r"`((?:test|assert)_\w+)`", TEXT))
    assert named - TESTS == set()
    assert len(named) > 20


def test_every_row_of_a_table_says_what_shows_it():
    without = [
        proof
        for proof in PROOFS
        if not re.search(r'"[^"]+"|`\w+`', proof) and proof.strip() != "shown by"
    ]
    assert without == []


def test_an_anchor_of_the_pages_is_set_once():
    assert len(ANCHORS) == len(set(ANCHORS)) > 30
