"""The command ``python -m staff release``."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cs682._files import replacing
from cs682.checks import EXERCISES
from cs682.setup.new_release import read_manifest
from staff.release.build import SETTINGS, Release, cut, write_zip
from staff.release.files import MANIFEST, ROOT, VARIANT, Source, read_source
from staff.release.variant import Variant, read_variant

if TYPE_CHECKING:
    import argparse

_STAND_IN = "example-course/"  # the owner that the source names


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``release`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    parser = commands.add_parser(
        "release", help="cut the zip that students download, from what is committed"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "dist", metavar="DIR", help="for the zip"
    )
    parser.add_argument("--variant", type=Path, metavar="FILE", help="what the course changes")
    parser.add_argument(
        "--repository", default="", metavar="OWNER/REPO", help="where the release is published"
    )
    parser.add_argument(
        "--allow-dirty",
        action="store_true",
        help="cut what is not committed too, which is refused otherwise",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="cut another release of the same version, an older one, or one for another repository "
        "or variant than the last one in DIR, which is refused otherwise",
    )
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Cut the release, or say on standard error all that keeps it from being cut.

    Parameters
    ----------
    args : namespace with ``out``, ``variant``, ``repository``, ``allow_dirty`` and ``replace``

    Returns
    -------
    status : int, 0 if the zip was written, else 1
    """
    try:
        source = _read_committed(allow_dirty=args.allow_dirty)
        variant = read_variant(args.variant) if args.variant else Variant()
        release = cut(source, variant, args.repository)
        if not args.replace:
            _compare_with_last(args.out / MANIFEST, release)
        path = write_zip(release, args.out)
        with replacing(args.out / MANIFEST) as file:  # for `updates`, beside the zip
            file.write(release.files[MANIFEST])
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - this is a command line
        return 1
    data, points = path.read_bytes(), sum(row.points for row in variant.table.values())
    print(f"{path}: {len(release.files)} files, {len(data) / 1e6:.1f} MB, {points} points")  # noqa: T201
    print(f"SHA-256 {hashlib.sha256(data).hexdigest()}")  # noqa: T201
    print(_say_where(release, variant))  # noqa: T201
    if points != sum(EXERCISES[key].points for key in variant.table):
        print(f"warning: {variant.say_sum()}", file=sys.stderr)  # noqa: T201
    return 0


def _say_where(release: Release, variant: Variant) -> str:
    """Say where the release's links lead, and where it looks for newer ones."""
    repository = json.loads(release.files[SETTINGS])["repository"]
    if repository.startswith(_STAND_IN):
        repository += " (a stand-in: without --repository the notebooks' links lead nowhere)"
    return f"repository {repository}, updates {variant.updates or 'from nowhere'}"


def _compare_with_last(manifest: Path, release: Release) -> None:
    """Refuse a release that would lead those astray who have the one that was cut before."""
    try:
        last = read_manifest(manifest.read_bytes())
    except (OSError, ValueError):
        return  # none was
    this = read_manifest(release.files[MANIFEST])
    parts = {SETTINGS: "repository", VARIANT: "variant (what it gives, counts or says)"}
    moved = [said for name, said in parts.items() if last.files.get(name) != this.files.get(name)]
    if moved:
        said = f"not the {' and '.join(moved)} of its {last.version}: give the same"
    elif this.order < last.order:
        said = f"{this.version}, older than its {last.version}: raise the version"
    elif this.order == last.order and this.files != last.files:
        said = f"another {last.version}: if that was given out, raise the version"
    else:
        return
    raise ValueError(f"{manifest.parent} holds a release already. This is {said}; or --replace")


def _read_committed(*, allow_dirty: bool) -> Source:
    """Return the source; refuse one that no commit leads back to."""
    source = read_source()
    if source.changes and not allow_dirty:
        changed = ", ".join(source.changes)
        raise ValueError(f"commit first, or give --allow-dirty: {changed} differ from Git")
    return source
