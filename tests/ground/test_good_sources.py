"""Own sources as an hour proved them, in the place of those that are wrong."""

from orchestration.ground.good_sources import fallback, remember
from orchestration.ground.home import Home
from orchestration.ground.project import own_sources, project_of


def test_a_home_falls_back_on_the_sources_of_the_last_good_hour(tmp_path):
    home = Home(tmp_path)
    assert fallback(home) is None
    home.sources.mkdir()
    (home.sources / "till.sql").write_text("wrong")
    # before any hour ended well there are none
    assert own_sources(fallback(home)) == []
    for name in ("till.sql", "till.yml", ".till.yml.swp", "notes.txt"):
        (home.sources / name).write_text("good")
    remember(home)
    assert fallback(home) is None
    (home.sources / "till.sql").unlink()
    (home.sources / "till.yml").write_text("changed")
    staging = project_of(fallback(home)) / "models" / "staging"
    assert [(staging / each).read_text() for each in ("till.yml", "stg_till.sql")] == ["good"] * 2
    assert fallback(home).warehouse == home.warehouse
    (home.sources / "till.yml").unlink()
    remember(home)
    assert (fallback(home), own_sources(home)) == (None, [])
