"""The descriptions of the dbt project, as analysts and marketers read them.

Belongs here: what every model, column and reason must say, read from the yml files alone. Not here:
that the published file carries them (`tests/whole/test_published.py`).
"""

import re

import pytest

from orchestration.ground.yml import parsed_yml

from .dbt_runs import PROJECT

MODELS = PROJECT / "models"
FILES = {path.relative_to(MODELS).as_posix(): path for path in sorted(MODELS.rglob("*.yml"))}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
BLOCKS = {
    name: text
    for path in sorted(MODELS.rglob("*.md"))
    for name, text in re.findall(
        r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", path.read_text(encoding="utf-8"), re.S
    )
}
GRAIN = re.compile(r"\bone (?:row|value) per\b", re.I)
# Words of a story, not of data: a row has a value, it tells nothing.
QUAINT = re.compile(r"\b(?:told|tells?|telling|anew|dear|dearer|bury|buried|lately)\b", re.I)
# Words of little meaning, which do not make a description say more than the name does.
FILLER = re.compile(
    r"\b(?:a|an|and|any|as|at|by|for|in|is|it|its|of|on|or|per|that|the|their|this|to|was)\b"
)


def rendered(description: str) -> str:
    """The description with the blocks it takes in their place, as dbt does it."""
    return re.sub(r"{{ doc\('(\w+)'\) }}", lambda found: BLOCKS[found[1]], description)


def tables() -> dict[str, dict]:
    """Every model and every table of a source that is declared, by name."""
    found = {}
    for text in TEXTS.values():
        declared = parsed_yml(text)
        sources = declared.get("sources", [])
        for table in declared.get("models", []) + [t for each in sources for t in each["tables"]]:
            assert table["name"] not in found
            found[table["name"]] = table
    return found


TABLES = tables()
COLUMNS = {
    (table["name"], column["name"]): column
    for table in TABLES.values()
    for column in table.get("columns", [])
}


@pytest.mark.parametrize("name", ["person_visits", "person_views", "person_orders", "person_carts"])
def test_what_a_segment_may_read_is_on_its_page_column_by_column(name):
    page = (PROJECT / "docs" / "segments.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    columns = {column for table, column in COLUMNS if table == name}
    assert set(re.findall(r"`(\w+)`", line)) == {name, *columns}


def test_every_model_is_described():
    assert {path.stem for path in MODELS.rglob("*.sql")} <= TABLES.keys()
    assert len(COLUMNS) > 400


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_its_grain_once_and_its_columns_do_not(name):
    assert len(GRAIN.findall(rendered(TABLES[name]["description"]))) == 1
    columns = {column["name"]: column for column in TABLES[name].get("columns", [])}
    repeating = [
        column
        for column, declared in columns.items()
        if GRAIN.search(rendered(declared["description"]))
    ]
    assert repeating == []


def test_every_column_says_in_a_sentence_what_its_name_does_not():
    saying_nothing = {}
    for key, column in COLUMNS.items():
        text = rendered(column.get("description", ""))
        words = set(re.findall(r"[a-z0-9]+", FILLER.sub("", text.lower())))
        if not text.endswith(".") or not words - set(key[1].split("_")):
            saying_nothing[key] = text
    assert saying_nothing == {}


def test_a_text_that_several_columns_share_is_a_block():
    # a column that several models take by an anchor is one object
    written = [
        text
        for text in {id(column): column["description"] for column in COLUMNS.values()}.values()
        if "{{" not in text
    ]
    assert {text for text in written if written.count(text) > 1} == set()
    assert set(BLOCKS.values()) & set(written) == set()


def test_every_block_is_used_and_every_block_that_is_used_exists():
    used = [name for text in TEXTS.values() for name in re.findall(r"doc\('(\w+)'\)", text)]
    assert set(used) == BLOCKS.keys()
    assert {name for name in BLOCKS if used.count(name) == 1} == set()


@pytest.mark.parametrize("name", FILES)
def test_descriptions_use_the_words_of_the_trade(name):
    texts = re.findall(r"\bdescription: (.*)$", TEXTS[name], re.M)
    assert [text for text in texts if QUAINT.search(rendered(text))] == []


def test_every_feature_has_a_reason_for_a_low_and_for_a_high_value_in_plain_words():
    features = [column for column in TABLES["scoring_snapshots"]["columns"] if "config" in column]
    assert len(features) > 50
    for column in features:
        low, high = column["config"]["meta"]["reason"]
        for phrase in (low, high):
            # between "; " in a list, and in a cell of a CSV file
            assert re.fullmatch(r"[a-z][a-z' -]{5,44}", phrase), (column["name"], phrase)
            assert not QUAINT.search(phrase)
            # nothing that feels like being watched
            assert not re.search(r"\b(?:seen|watched|tracked|we|you|just now)\b", phrase)
