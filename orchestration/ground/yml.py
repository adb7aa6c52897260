"""Reading yml.

Belongs here: the one way to parse it. Not here: what a file must say, which its reader knows.
"""

from typing import Any

import yaml

# the one in C takes a tenth of the time
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parsed_yml(text: str) -> Any:
    """What a text of yml says; None if it says nothing.

    Raises:
        yaml.YAMLError: it is none.
    """
    return yaml.load(text, _LOADER)
