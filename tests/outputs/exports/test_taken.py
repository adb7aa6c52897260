"""What the settings name in exports and experiments, asked before an hour begins."""

import pytest

from orchestration.drafts import new_segment
from orchestration.ground.home import Home
from orchestration.ground.settings import parse_settings
from orchestration.outputs.exports.taken import fault_in, taken_by
from tests.ground.test_triggers import TEXT

META = {"profile": "meta_custom_audience"}


@pytest.fixture
def home(tmp_path) -> Home:
    home = Home(tmp_path)
    new_segment(home, "watchers")
    (home.root / "triggers").mkdir()
    (home.root / "triggers" / "mine.yml").write_text(
        TEXT.replace("viewed_often_not_bought", "mine")
    )
    return home


def test_what_is_shipped_and_what_lies_in_the_home_may_be_named(home):
    entry = META | {"segments": ["watchers", "vip"], "triggers": ["mine", "checkout_left"]}
    taken = taken_by(home, parse_settings({"exports": {"x": entry}}))
    assert taken.segments == {"x": ["vip", "watchers"]}
    assert taken.triggers == {"x": ["checkout_left", "mine"]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"exports": {"x": META | {"segments": ["vipp"]}}}, "no segment 'vipp', [exports.x] seg"),
        ({"exports": {"x": META | {"triggers": ["min"]}}}, "no trigger 'min', [exports.x] trigg"),
        (
            {"experiments": {"y": {"arms": ["a", "b"], "segments": ["watcher"]}}},
            "no segment 'watcher', [experiments.y] segments, use one of: at_risk,",
        ),
    ],
)
def test_a_name_that_nothing_has_is_one_line(home, settings, said):
    (line,) = fault_in(home, parse_settings(settings))
    assert line.startswith(f"there is {said}")


@pytest.mark.parametrize(
    ("profile", "preset"), [("email", "klavyo"), ("hashed_audience", "generic"), ("email", "snap")]
)
def test_a_preset_that_the_profile_lacks_is_one_line_before_the_hour_begins(home, profile, preset):
    settings = parse_settings({"exports": {"x": {"profile": profile, "preset": preset}}})
    (line,) = fault_in(home, settings)
    assert line.startswith(f"the profile {profile} has no preset '{preset}', [exports.x], use one")


def test_a_file_that_is_wrong_is_its_own_fault_and_no_other(home):
    (home.segments / "watchers.sql").write_text("select")
    (home.root / "triggers" / "mine.yml").write_text("name: mine")
    entry = META | {"segments": ["watchers"], "triggers": ["mine"]}
    settings = parse_settings({"exports": {"x": entry}})
    assert [*fault_in(home, settings)] == []
    assert taken_by(home, settings).triggers == {"x": []}
