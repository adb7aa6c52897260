"""Files that are replaced in one step, also where there is no room."""

import pytest

from orchestration.ground.files import read_own, replace_file
from tests.full_disk import no_file_beyond


def test_where_there_is_no_room_the_old_content_stays_and_nothing_else(tmp_path):
    path = tmp_path / "settings"
    replace_file(path, b"old", mode=0o600)
    with no_file_beyond(1_000), pytest.raises(OSError, match="File too large"):
        replace_file(path, b"new" * 1_000)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("settings", b"old")]
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_file_that_others_can_write_to_is_not_read_as_own(tmp_path):
    path = tmp_path / "code"
    assert read_own(path) is None
    replace_file(path, b"select 1")
    assert read_own(path) == b"select 1"
    for mode in (0o646, 0o664):
        path.chmod(mode)
        assert read_own(path) is None
