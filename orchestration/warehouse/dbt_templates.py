"""Jinja's code for the macros and models of the dbt project, kept from one process to the next.

Belongs here: keeping it beside the parsed project. Not here: the parsed project itself
(`dbt_manifest`), or running dbt (`dbt_build`).

Jinja makes Python code of each text, and dbt keeps it for one process only. To make it was a fifth
of dbt's own CPU time in a build of a small log, measured 2026-11-30.
"""

import hashlib
import marshal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType

from orchestration.ground import kept_code

TEMPLATES = "templates"
_PACKAGES = ("jinja2", "dbt-common")


@contextmanager
def kept_templates(folder: Path, only_used: bool = False) -> Iterator[None]:
    """dbt takes the code of a text from the folder, and what had to be made is kept there.

    Args:
        folder: where the parsed project is.
        only_used: whether what is not asked for is left out from now on, as after a parse, which
            asks for all.
    """
    from dbt_common.clients.jinja import MacroFuzzEnvironment
    from jinja2 import Environment

    path = folder / TEMPLATES
    code = kept_code.read(path, _PACKAGES)
    kept: dict[bytes, CodeType] = {} if code is None else marshal.loads(code)
    used: dict[bytes, CodeType] = {}

    def compiled(self: Environment, source: str) -> CodeType:
        if type(self) is not MacroFuzzEnvironment:  # makes other code
            return Environment.compile(self, source)
        key = hashlib.sha256(source.encode()).digest()
        used[key] = kept.get(key) or used.get(key) or Environment.compile(self, source)
        return used[key]

    MacroFuzzEnvironment.compile = compiled
    try:
        yield
    finally:
        del MacroFuzzEnvironment.compile
        now = used if only_used else kept | used
        if now.keys() != kept.keys():
            kept_code.keep(path, marshal.dumps(now), _PACKAGES)
