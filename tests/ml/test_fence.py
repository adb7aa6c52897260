import subprocess
import sys

MODULES = (
    "abandonment",
    "calibration",
    "card",
    "decision",
    "evaluation",
    "explain",
    "features",
    "plots",
    "promotion",
    "return_time",
    "split",
)


def test_importing_ml_pulls_in_neither_the_orchestrator_nor_the_database():
    code = (
        "import importlib, sys\n"
        f"for name in {MODULES!r}: importlib.import_module('ml.' + name)\n"
        "print(sorted({'dagster', 'duckdb', 'orchestration'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
