"""LightGBM is loaded without the libraries that it would only wrap."""

import subprocess
import sys


def test_an_hour_does_not_wait_for_what_lightgbm_would_import():
    code = (
        "import sys; from ml.boosting import lightgbm; lightgbm();"
        "print({'pandas', 'sklearn'} & set(sys.modules));"
        "import pandas, sklearn.metrics; print(lightgbm() is sys.modules['lightgbm'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.split("\n")[:2] == ["set()", "True"]
