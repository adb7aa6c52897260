"""The parsed project is read as dbt reads it, from whatever it is kept as."""

import hashlib
from pathlib import Path

import pytest
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumaro_encoder

from orchestration.ground import kept_code
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import dbt_build, dbt_manifest
from orchestration.warehouse.dbt_manifest import FINGERPRINT, OBJECTS, parsed_project


@pytest.fixture
def parsed(tmp_path: Path) -> Path:
    """The folder of a parsed project, without what a process before left there."""
    home = Home(tmp_path)
    home.prepare()
    dbt_build.prepare_manifest(home, Settings())
    (home.dbt / OBJECTS).unlink(missing_ok=True)
    return home.dbt


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were read as dbt reads them, each time."""
    sizes: list[int] = []
    as_dbt = dbt_manifest._unpacked

    def noting(packed: bytes) -> object:
        sizes.append(len(packed))
        return as_dbt(packed)

    monkeypatch.setattr(dbt_manifest, "_unpacked", noting)
    return sizes


def _read(folder: Path) -> Manifest:
    return parsed_project.__wrapped__(folder, (folder / FINGERPRINT).read_text())


def _packed(manifest: Manifest) -> bytes:
    return manifest.to_msgpack(encoder=extended_mashumaro_encoder)


def test_the_second_process_has_the_same_project(parsed: Path, unpacked: list[int]):
    first, second = _read(parsed), _read(parsed)
    assert len(unpacked) == 1
    assert vars(second).keys() == vars(first).keys()
    assert second.flat_graph == first.flat_graph
    assert _packed(second) == _packed(first)
    assert second._lock.acquire(block=False)
    assert second.nodes["model.comeback.carts"].depends_on.nodes


@pytest.mark.parametrize(
    "damage", ["cut", "others may write", "other versions", "other classes", "other project"]
)
def test_what_cannot_be_believed_is_read_as_dbt_reads_it(
    parsed: Path, unpacked: list[int], monkeypatch: pytest.MonkeyPatch, damage: str
):
    _read(parsed)
    kept, packed = parsed / OBJECTS, parsed / "partial_parse.msgpack"
    if damage == "cut":
        kept.write_bytes(kept.read_bytes()[:-1])
    elif damage == "others may write":
        kept.chmod(0o666)
    elif damage == "other classes":
        digest = hashlib.sha256(packed.read_bytes()).hexdigest()
        objects = b"cno_such_module\nNoSuchClass\n."
        kept_code.keep(kept, objects, dbt_manifest._PACKAGES, of=digest)
    elif damage == "other versions":
        monkeypatch.setattr(kept_code, "version", lambda _: "0")
    else:
        other = dbt_manifest._unpacked(packed.read_bytes())
        other.metadata.project_name = "another"
        packed.write_bytes(_packed(other))
        assert _read(parsed).metadata.project_name == "another"
    before = len(unpacked)
    _read(parsed)
    assert len(unpacked) == before + (damage != "other project")
