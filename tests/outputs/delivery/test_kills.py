"""Deliveries that are ended with kill -9, with somebody reading what arrives."""

import hashlib
import json
import random
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep

import pytest

from orchestration.outputs.delivery import deliver
from tests.outputs.delivery.conftest import ELEVEN, TEN, Shop, require_whole, tree

KILLS = 50
_DELIVER = """
import sys
from datetime import datetime
from pathlib import Path
from orchestration.outputs.delivery import deliver
from tests.outputs.delivery.conftest import Shop
shop = Shop(Path(sys.argv[1]))
settings = shop.settings(email=sys.argv[2])
print("ready", flush=True)
for n in range(int(sys.argv[3]), 1000000):
    hour = (10, 11)[n // 40 % 2]
    shop.export(f"2026-10-31T{hour}Z", mark=f"-{n}")
    deliver(shop.connection, shop.home, settings, datetime(2026, 10, 31, hour), again=True)
"""


def read_hour(out: Path, hour: str) -> None:
    """Read manifest, then files; a file that does not fit is read again from the beginning."""
    try:
        manifest = json.loads((out / hour / "manifest.json").read_bytes())
        contents = {each["path"]: (out / each["path"]).read_bytes() for each in manifest["files"]}
    except FileNotFoundError:
        return
    sums = {each["path"]: each["sha256"] for each in manifest["files"]}
    if sums != {path: hashlib.sha256(each).hexdigest() for path, each in contents.items()}:
        return
    marks = {each.decode().split("-")[-1] for each in contents.values()}
    assert len(marks) == 1


@pytest.mark.heavy
@pytest.mark.timeout(3600)
def test_whoever_reads_manifest_then_files_takes_no_mixture_however_often_it_is_killed(tmp_path):
    out = tmp_path / "out"
    rng = random.Random(12)
    for n in range(KILLS):
        command = [sys.executable, "-c", _DELIVER, str(tmp_path / "home"), str(out), str(n * 1000)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()
        end = monotonic() + rng.uniform(0.05, 1.5)
        while monotonic() < end:
            read_hour(out, TEN)
            read_hour(out, ELEVEN)
            sleep(0.001)
        process.kill()
        process.wait()
        # now that nothing changes, a manifest that is there fits its files
        files = tree(out)
        for hour in (TEN, ELEVEN):
            if f"{hour}/manifest.json" in files:
                for each in json.loads(files[f"{hour}/manifest.json"])["files"]:
                    content = files[each["path"]].encode()
                    assert hashlib.sha256(content).hexdigest() == each["sha256"]

    shop = Shop(tmp_path / "home")
    for hour in (10, 11):
        shop.export(f"2026-10-31T{hour}Z", mark="-last")
    settings = shop.settings(email=str(out))
    (outcome,) = deliver(shop.connection, shop.home, settings, datetime(2026, 10, 31, 11))
    assert outcome.reason is None
    require_whole(tree(out), ELEVEN)
    assert not [name for name in tree(out) if name.endswith(".tmp")]
