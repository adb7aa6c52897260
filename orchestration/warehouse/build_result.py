"""What became of the models and tests that dbt ran.

Belongs here: which of them count as failed, the line about them, and what is not said in it. Not
here: running dbt (`dbt_build`), and how Dagster shows it (`dagster.dbt_assets`).
"""

import re
from dataclasses import dataclass

from orchestration.ground.errors import ComebackError

# What the database says of a value that it met.
_OF_A_VALUE = re.compile(
    r"\b(?:Constraint|Conversion|Invalid Input|Mismatch Type|Out of Range) Error: .*", re.DOTALL
)
# How values stand there: in quotes, and then once more before a mark where reading stopped; or as
# numbers, but not in names of types or the number of a line. An address may stand there bare.
_VALUE = re.compile(
    r"""(?P<type>\b[A-Z]+\(\d+(?:,\d+)?\))
    |(?<!\w)(['"]).*\2(?:(?:(?!LINE\ \d).)*\^)?
    |(?<!\S)\S*@\S*
    |(?<!\w)(?<!LINE\ )-?\d[\d.]*(?:e[+-]\d+)?""",
    re.DOTALL | re.VERBOSE,
)


def without_values(message: str) -> str:
    """A message of dbt with `...` for the values of the shop's data: it is said in alerts, and kept
    with the runs, where nobody can be erased."""
    return _OF_A_VALUE.sub(lambda said: _VALUE.sub(_hidden, said[0]), message)


def _hidden(found: re.Match[str]) -> str:
    return found["type"] or "..."


@dataclass(frozen=True)
class NodeResult:
    """What became of one model or test.

    Attributes:
        unique_id: dbt's id, such as `model.comeback.carts`.
        status: dbt's word: success, pass, warn, fail, error, skipped.
        seconds: how long it took.
        failures: rows that failed a test; None for models.
        message: dbt's message on one line, see `without_values`.
        tested: dbt's id of the model whose yml has the test; None for models.
    """

    unique_id: str
    status: str
    seconds: float
    failures: int | None
    message: str
    tested: str | None = None

    @property
    def name(self) -> str:
        """Of `model.comeback.carts` the name, of a generic test without its trailing hash."""
        return self.unique_id.split(".")[2]

    @property
    def is_good(self) -> bool:
        """Whether nothing stops at this node; a warning does not stop."""
        return self.status in ("success", "pass", "warn")


@dataclass(frozen=True)
class BuildResult:
    """What a dbt invocation did, node by node in the order they ended.

    Attributes:
        nodes: the models and tests that ran.
        unchanged: names of models that were left as they are, as nothing came for them.
    """

    nodes: tuple[NodeResult, ...]
    unchanged: tuple[str, ...] = ()

    @property
    def models(self) -> list[str]:
        """Names of the models that ran."""
        return [node.name for node in self.nodes if node.unique_id.startswith("model.")]

    @property
    def seconds(self) -> float:
        """What the nodes took themselves, one after the other."""
        return sum(node.seconds for node in self.nodes)

    @property
    def bad(self) -> list[NodeResult]:
        """The nodes that failed, without those that were skipped because of them.

        A model that is no table, as a segment is, is no node: that it failed is only seen of the
        one that reads it, which was skipped with a message.
        """
        return [
            node
            for node in self.nodes
            if not node.is_good and (node.status != "skipped" or node.message)
        ]

    def require_success(self) -> None:
        """Raise one line naming the nodes that failed.

        Raises:
            ComebackError: a model or a test of severity error failed.
        """
        if not self.bad:
            return
        first = self.bad[0]
        others = f" and {len(self.bad) - 1} more" if len(self.bad) > 1 else ""
        raise ComebackError(
            f"dbt: {first.name}{others} failed ({first.message})",
            "nothing was published",
            "correct the data or the model, then run the hour again",
        )
