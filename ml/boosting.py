"""LightGBM, loaded without what it would load beside it.

What belongs here: how the library is imported. What does not: what it is asked
(``abandonment.trees``, ``return_time.hazard``).
"""

import sys
from types import ModuleType

# It takes their tables and is one of their estimators where it finds them, and does without where
# it does not. We give it arrays. To import them takes five times as long as itself (measured
# 2026-11-30: 1.8 CPU s with them, 0.3 without), in every hour that has a learned model.
_NOT_NEEDED = ("pandas", "sklearn")


def lightgbm() -> ModuleType:
    """The library; imported when it is first asked for."""
    if "lightgbm" not in sys.modules:
        hidden = [name for name in _NOT_NEEDED if name not in sys.modules]
        # Python's own way to say that a module is not to be found
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
        try:
            import lightgbm  # noqa: F401
        finally:
            for name in hidden:
                del sys.modules[name]
    return sys.modules["lightgbm"]
