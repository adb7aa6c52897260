"""Every module and every file of macros says what belongs in it and what does not."""

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
BELONGS = re.compile(r"\bbelongs here\b", re.IGNORECASE)
DOES_NOT = re.compile(r"\b(?:not here|what does not|does not belong)\b", re.IGNORECASE)


def first_words(path: Path) -> str:
    """The docstring of a module, or the first comment of a file of macros, on one line."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    else:
        text = text.partition("{#-")[2].partition("-#}")[0]
    return " ".join(text.split())


def test_modules_and_macros_say_what_belongs_in_them_and_what_does_not():
    modules = [
        *(REPOSITORY / "orchestration").rglob("*.py"),
        *(REPOSITORY / "ml").rglob("*.py"),
        # below it lies the state of a shop
        *(REPOSITORY / "data").glob("*.py"),
    ]
    macros = list((REPOSITORY / "dbt_project" / "macros").rglob("*.sql"))
    assert min(len(modules), len(macros)) > 40
    silent = [
        path.relative_to(REPOSITORY).as_posix()
        for path in sorted([*modules, *macros])
        if not (BELONGS.search(words := first_words(path)) and DOES_NOT.search(words))
    ]
    assert silent == []
