"""That what is recorded for the rows of one source is what dbt sends for them."""

from pathlib import Path

import pytest

from .recording import NOTHING, Recording, recording


@pytest.mark.heavy
def test_a_recording_like_another_is_what_dbt_sends_from_the_first_model_to_the_last(
    dbt_recording: Recording, tmp_path: Path
):
    """Only the models that name sources are asked for again: no other may depend on them."""
    made = []
    for name, like in (("whole", None), ("like", dbt_recording)):
        folder = tmp_path / name
        folder.mkdir()
        made.append(recording(folder, sources=["ga4"], like=like))
    whole, like = made
    assert (like.raw, like.begin[NOTHING], like.finish[NOTHING]) == (
        *(whole.raw, whole.begin[NOTHING], whole.finish[NOTHING]),
    )
    sent = [{model.name: model.statements[NOTHING] for model in each.models} for each in made]
    assert sent[1] == sent[0]
    needs = [{model.name: {*model.needs} for model in each.models} for each in made]
    assert needs[1] == needs[0]
    built: set[str] = set()
    for model in like.models:
        assert built.issuperset(model.needs)
        built.add(model.name)
