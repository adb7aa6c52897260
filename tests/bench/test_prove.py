"""What `make prove` does when something is not so; what it proves takes too long for here."""

import json
from unittest.mock import Mock

import pytest

from bench import mutants, prove
from bench.mutants import Mutant, ProofError


@pytest.mark.parametrize("mutant", mutants.mutants(), ids=lambda mutant: mutant.name)
def test_the_patch_of_a_mutant_applies_and_says_in_a_sentence_what_is_wrong(mutant, tmp_path):
    project = mutant.put_into(tmp_path)
    changed = [
        path
        for path in mutants.PROJECT.rglob("*.sql")
        if path.relative_to(mutants.PROJECT).parts[0] not in ("target", "logs")
        and path.read_bytes() != (project / path.relative_to(mutants.PROJECT)).read_bytes()
    ]
    assert len(changed) == 1
    assert mutant.reason.endswith(".")


def test_there_are_mutants_of_the_arrival_and_of_the_rules():
    kinds = [mutant.kind for mutant in mutants.mutants()]
    assert set(kinds) == set(mutants.TESTS)
    assert min(kinds.count("arrival"), kinds.count("rule")) >= 12


def test_a_patch_that_no_longer_applies_fails_in_one_line(tmp_path):
    path = tmp_path / "stale.patch"
    path.write_text(
        "Nothing.\n\n--- a/dbt_project/dbt_project.yml\n+++ b/dbt_project/dbt_project.yml\n"
        "@@ -1,1 +1,1 @@\n-name: another\n+name: comeback\n"
    )
    (tmp_path / "copy").mkdir()
    with pytest.raises(ProofError, match=r"^the patch of mutant stale no longer applies: [^\n]+$"):
        Mutant(path).put_into(tmp_path / "copy")


def test_the_first_part_that_fails_is_the_last_and_the_line_says_so(tmp_path, monkeypatch):
    tried = []

    def part(name, fails):
        def run():
            tried.append(name)
            if fails:
                raise ProofError("one\nline")
            return {"tests": 3}

        return run

    monkeypatch.setattr(
        prove, "PARTS", {name: part(name, fails=name == "b") for name in ("a", "b", "c")}
    )
    lines = tmp_path / "prove.jsonl"
    assert prove.prove(["a", "b", "c"], lines) == "one line"
    assert tried == ["a", "b"]
    assert prove.prove(["a"], lines) is None
    failed, proved = map(json.loads, lines.read_text().splitlines())
    assert (failed["is_proved"], failed["failure"]) == (False, "one line")
    assert (proved["is_proved"], proved["parts"]["a"]["tests"]) == (True, 3)


def test_what_was_proved_before_it_was_ended_by_hand_is_written(tmp_path, monkeypatch):
    parts = {"a": Mock(return_value={"tests": 3}), "b": Mock(side_effect=KeyboardInterrupt)}
    for part in parts.values():
        part.__doc__ = "A part."
    monkeypatch.setattr(prove, "PARTS", parts)
    lines = tmp_path / "prove.jsonl"
    assert prove.prove(["a", "b"], lines) == "b: ended by hand"
    line = json.loads(lines.read_text())
    assert (line["is_proved"], line["failure"]) == (False, "b: ended by hand")
    assert line["parts"]["a"]["tests"] == 3
