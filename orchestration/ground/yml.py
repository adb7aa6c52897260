"""Reading yml.

Belongs here: the one way to parse it. Not here: what a file must say, which its reader knows.
"""

from typing import Any

import yaml

# the one in C takes a tenth of the time
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parsed_yml(text: str, loader: type = _LOADER) -> Any:
    """What a text of yml says; None if it says nothing.

    Args:
        text: what stands in the file.
        loader: what makes values of it, safe as the default one.

    Raises:
        yaml.YAMLError: it is none, or has a value that does not fit its tag.
    """
    try:
        return yaml.load(text, loader)
    # what the parser raises of `!!bool maybe`, `!!int ''`, `!!timestamp soon` or 2026-13-45
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise yaml.YAMLError(f"a value that does not fit ({type(error).__name__})") from error
