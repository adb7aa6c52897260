"""The defaults of the settings, in `dbt_project.yml`, for whoever runs dbt without orchestration.

Belongs here: writing them between the two marks of that file, out of the declarations. Not here:
the settings (`ground.settings`), nor what a run hands over (`dbt_build.dbt_vars`).

    python -m orchestration.warehouse.dbt_defaults
"""

import textwrap

import yaml

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.files import replace_file
from orchestration.ground.settings import Settings
from orchestration.ground.settings_schema import Mark, marked

PATH = DBT_PROJECT / "dbt_project.yml"
COMMAND = "python -m orchestration.warehouse.dbt_defaults"
_BEGIN = f"  # begin of the defaults of settings: written by {COMMAND}\n"
_END = "  # end of the defaults of settings\n"
_WIDTH = 120


def with_defaults(text: str, kind: type[Settings] = Settings) -> str:
    """The text of `dbt_project.yml`, with the defaults that the settings declare.

    Args:
        text: the file as it is.
        kind: the settings.

    Raises:
        ValueError: the file has not both marks, once.
    """
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{PATH} lacks one of the lines {_BEGIN.strip()!r} and {_END.strip()!r}")
    log = "".join(_default(kind, name, "    ") for name in marked(kind, Mark.LOG))
    hour = "".join(_default(kind, name, "  ") for name in marked(kind, Mark.HOUR))
    return (
        f"{before}{begin}"
        "  # These decide the tables of the log: another value makes the next build a full one.\n"
        f"  log_variables: &log_variables\n{log}"
        f"  # Each is a variable of its own.\n  <<: *log_variables\n{hour}"
        f"{end}{after}"
    )


def _default(kind: type[Settings], name: str, indent: str) -> str:
    field = kind.model_fields[name]
    value = kind.model_construct().model_dump(mode="json", include={name})
    prose = textwrap.wrap(field.description or "", _WIDTH - len(indent) - 2)
    lines = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=_WIDTH - 8)
    return textwrap.indent("".join(f"# {line}\n" for line in prose) + lines, indent)


if __name__ == "__main__":
    replace_file(PATH, with_defaults(PATH.read_text(encoding="utf-8")).encode())
