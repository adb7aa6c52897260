"""`comeback segment new`: the two files of a segment in a home, to be edited.

Belongs here: the text of the files, and which names are free. Not here: what a segment may say
(`ground.segments`).
"""

from pathlib import Path

from orchestration.ground import segments
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.files import make_private, replace_file
from orchestration.ground.home import Home
from orchestration.ground.segment_sql import is_sql_word, shipped_models

_YML = """\
version: 2

models:
  - name: {name}
    description: People who ordered in the last 30 days. One row per person.  # say who is in it
    config:
      meta:
        owner: marketing  # whom to ask
        version: 1        # count up when the rule changes: all stays end then
        # group: stage    # of segments of one group a person is in the one of the highest rank
        # rank: 1
        # export: [email] # names of exports that take its members
    columns:
      - name: person_id
        description: "{{{{ doc('member_id') }}}}"
"""
_SQL = """\
-- A query of person_id. Beside people there are person_orders, person_visits, person_carts and
-- person_views: all of them are of the hour that is scored, as_of().

select person_id
from {{{{ ref('people') }}}}
where last_order_at > {{{{ as_of() }}}} - interval '30' day
"""


def new_segment(home: Home, name: str) -> tuple[Path, Path]:
    """Write the two files of a segment, which work as they are.

    Args:
        home: where its own segments lie.
        name: the name of the segment.

    Returns:
        The files.

    Raises:
        WrongUsage: it is no name, a word of SQL, or that of a model of Comeback.
        ComebackError: there is such a segment, or the files cannot be written.
    """
    if not segments.NAME.fullmatch(name):
        raise WrongUsage(f"{name!r} can be no name of a segment", "NAME", "use a-z, 0-9 and _")
    if is_sql_word(name):
        raise WrongUsage(f"{name} is a word of SQL", "NAME", "choose another name")
    if name in shipped_models():
        raise WrongUsage(
            f"{name} is a segment or a table that Comeback has already",
            "NAME",
            "choose another name",
        )
    paths = home.segments / f"{name}.yml", home.segments / f"{name}.sql"
    for path in paths:
        if path.exists():
            raise ComebackError(
                f"there is a segment {name} already",
                str(path),
                "it is not overwritten: choose another name, or move its two files away",
            )
    try:
        make_private(home.root)
        home.segments.mkdir(exist_ok=True)
        for path, text in zip(paths, (_YML, _SQL), strict=True):
            replace_file(path, text.format(name=name).encode())
    except OSError as error:
        raise ComebackError(
            f"cannot write the segment ({error.strerror})",
            str(home.segments),
            "free it, or set COMEBACK_HOME to a folder that can be written to",
        ) from error
    return paths
