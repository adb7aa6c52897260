import pkgutil
import subprocess
import sys

import ml

MODULES = sorted(module.name for module in pkgutil.walk_packages(ml.__path__, "ml."))


def test_importing_ml_pulls_in_neither_the_orchestrator_nor_the_database():
    assert {"ml.abandonment.model", "ml.return_time.curve", "ml.promotion"} <= set(MODULES)
    code = (
        "import importlib, sys\n"
        f"for name in {MODULES!r}: importlib.import_module(name)\n"
        "print(sorted({'dagster', 'duckdb', 'orchestration'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
