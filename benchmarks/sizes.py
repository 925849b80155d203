"""What an installation takes on the disk: a package and all that it needs."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent


def installed_size(packages: list[str]) -> float:
    """MB of the files of `packages` (`name` or `name[extra]`) and of their requirements."""
    seen: dict[str, float] = {}
    for package in packages:
        _collect(Requirement(package), seen)
    return sum(seen.values())


def _collect(wanted: Requirement, seen: dict[str, float]) -> None:
    name = wanted.name.lower().replace("_", "-")
    if name in seen and not wanted.extras:
        return
    try:
        found = distribution(wanted.name)
    except PackageNotFoundError:
        return
    seen[name] = _size(found)
    for line in found.requires or []:
        requirement = Requirement(line)
        if any(not requirement.marker or requirement.marker.evaluate({"extra": e}) for e in ("", *wanted.extras)):
            _collect(requirement, seen)


def _size(found: Distribution) -> float:
    """MB of a distribution; of one that is installed where it is edited, of its sources."""
    files = [Path(str(file.locate())) for file in found.files or []]
    if any(file.name.startswith("__editable__") for file in files):
        files += [file for top in ("vad", "cli") for file in (ROOT / top).rglob("*")]
    return sum(file.stat().st_size for file in set(files) if file.is_file()) / 1e6
