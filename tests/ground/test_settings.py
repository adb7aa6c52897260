"""What a shop may set, and what is said when it cannot be taken."""

from datetime import date

import pytest

from ml.decision import Economics
from orchestration.ground.errors import ComebackError
from orchestration.ground.settings import Settings, load_settings, parse_settings


def test_without_a_file_the_defaults_hold(tmp_path):
    settings = load_settings(tmp_path)
    assert settings == Settings()
    assert (settings.session_gap_minutes, settings.label_horizon_hours) == (30, 72)
    assert settings.passive_event_types == ("refund", "email_sent", "email_open")


def test_what_the_file_sets_overrides_the_default_and_nothing_else(tmp_path):
    (tmp_path / "comeback.toml").write_text(
        "session_gap_minutes = 20\n"
        "partitions_start = 2015-01-01\n"
        "[economics]\nmargin_rate = 0.5\n"
        "[sources]\nrees46 = 's3://bucket/rees46'\n"
    )
    settings = load_settings(tmp_path)
    assert settings.session_gap_minutes == 20
    assert settings.partitions_start == date(2015, 1, 1)
    assert settings.economics == Economics(margin_rate=0.5)
    assert settings.sources == {"rees46": "s3://bucket/rees46"}
    assert settings.cart_expiry_days == 30


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"sesion_gap": 3}, "unknown setting 'sesion_gap'"),
        ({"session_gap_minutes": "30"}, "'session_gap_minutes' cannot be '30'"),
        ({"session_gap_minutes": 0}, "a whole number of at least 1"),
        ({"session_gap_minutes": True}, "'session_gap_minutes' cannot be True"),
        ({"holdout_share": 1}, "a share of at least 0 and below 1"),
        ({"holdout_key": " "}, "a text that is not empty"),
        ({"passive_event_types": "refund"}, "a list of texts"),
        ({"economics": 3}, "a table \\[economics\\]"),
        ({"economics": {"margin": 1}}, "unknown setting 'margin'"),
        ({"economics": {"margin_rate": 2}}, "margin_rate is 2.0, it must be between 0 and 1"),
        ({"sources": {"rees46": 1}}, "'rees46' cannot be 1"),
    ],
)
def test_a_wrong_setting_is_told_in_one_line_that_names_it_and_its_place(values, complaint):
    with pytest.raises(ComebackError, match=complaint) as failure:
        parse_settings(values, where="/home/comeback.toml")
    assert "/home/comeback.toml" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_file_that_is_no_toml_is_told_in_one_line(tmp_path):
    (tmp_path / "comeback.toml").write_text("session_gap_minutes 20")
    with pytest.raises(ComebackError, match="the settings are no TOML"):
        load_settings(tmp_path)


def test_the_digest_changes_with_what_changes_scores_and_with_nothing_else():
    assert Settings().digest == Settings(threads=7, memory_limit="1GB").digest
    assert Settings().digest != Settings(session_gap_minutes=31).digest
    assert Settings().digest != Settings(economics=Economics(margin_rate=0.5)).digest
