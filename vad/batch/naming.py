"""Names of output files: the input's place within a folder, or a template with fields in braces."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from string import Formatter

from vad.batch.inputs import Input
from vad.errors import FormatError, SettingError

WIDE = re.compile("[0-9]{3}")  # in the format of a field: a name of hundreds of characters
PATHS = ("dir", "file")  # fields that may hold slashes


def name_output(target: str, source: Input, channel: int | None, extension: str, parameter: str = "target") -> Path:
    """The output file of `source` in the folder `target`, or as the template `target` names it.

    Raises `SettingError`, which names `parameter`, where the template has unknown fields.
    """
    if not is_template(target):
        suffix = f".ch{channel}" if channel else ""
        return Path(target, source.relative.with_name(source.relative.stem + suffix + extension))
    return Path(fill_template(target, name_fields(source) | {"channel": str(channel or "mix")}, parameter))


def name_fields(source: Input) -> dict[str, object]:
    """The fields of a template that come from the name of `source`."""
    path = Path(source.name)
    return {"dir": str(path.parent), "name": path.name, "stem": path.stem, "ext": path.suffix[1:]}


def fill_template(template: str, values: Mapping[str, object], parameter: str = "") -> str:
    """`template` with its fields in braces replaced by `values`, in which slashes become `_` except in `PATHS`.

    Raises `SettingError`, which names `parameter`, for unknown fields and for formats that do not
    suit their values.
    """
    try:
        for _, name, spec, _ in Formatter().parse(template):
            if name is not None and (name not in values or "{" in (spec or "") or WIDE.search(spec or "")):
                raise ValueError
        return template.format_map({name: _without_slashes(name, value) for name, value in values.items()})
    except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
        valid = ", ".join(f"{{{name}}}" for name in values)
        text = f"{parameter} {template}".strip()
        raise SettingError(f"{text}: not a template; the fields are {valid}", parameter or None) from error


def _without_slashes(name: str, value: object) -> object:
    if name in PATHS or not isinstance(value, str):
        return value
    plain = value.replace("/", "_").replace(os.sep, "_")
    return "_" if plain in (".", "..") else plain


def escape_template(text: str) -> str:
    """`text` as a part of a template that stands for itself."""
    return text.replace("{", "{{").replace("}", "}}")


def is_template(target: str) -> bool:
    """Whether `target` has a field in braces."""
    return "{" in target


def is_folder(target: str) -> bool:
    """Whether `target` is a folder, or a name for a new one: not `-`, and without an extension."""
    if target == "-":
        return False
    path = Path(target)
    if path.exists():  # checked first: another program may just be making it
        return path.is_dir()
    return target.endswith(("/", os.sep)) or not path.suffix


def check_not_input(path: Path, source: Input) -> None:
    """Raise `FormatError` where writing to `path` would destroy the input itself."""
    if path.exists() and os.path.exists(source.path) and path.samefile(source.path):
        raise FormatError(f"{source.path}: is the input itself; name another place for the output")
