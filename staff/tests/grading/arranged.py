"""Hand-ins, unpacked and arranged as the grader does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from staff.grading.intake.locate import Package, arrange
from staff.grading.intake.unpack import unpack
from staff.tests.grading.hostile_zips import CODE

OTHER = CODE + b"# another\n"


def take(*sources: Path, tmp_path: Path, versions: Sequence[int] = ()) -> Package:
    """Unpack and arrange as the grader does."""
    raw, stage = tmp_path / "raw", tmp_path / "stage"
    raw.mkdir()
    stage.mkdir()
    return arrange(unpack([(path, path.name) for path in sources], raw, versions), stage)


def take_two(old: bytes, new: bytes, tmp_path: Path) -> Package:
    """Unpack and arrange two uploads of one student."""
    paths = [tmp_path / name for name in ("hand-in.zip", "hand-in-1.zip")]
    for path, content in zip(paths, (old, new), strict=True):
        path.write_bytes(content)
    return take(*paths, tmp_path=tmp_path, versions=(0, 1))


def files_of(package: Package) -> set[str]:
    return {
        p.relative_to(package.folder).as_posix() for p in package.folder.rglob("*") if p.is_file()
    }


def write_files(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


CODE_OF = {
    "layers.py": CODE,
    "optim.py": b"def sgd(w, dw, config=None):\n    return w, config\n",
    "layer_utils.py": b"def affine_relu_forward(x, w, b):\n    return x\n",
    "classifiers/fc_net.py": b"class TwoLayerNet:\n    pass\n",
}
