"""Refuse `.npz` files that would cost the grader memory, before anything of them is loaded."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np

from staff.grading.intake.zip_table import count_entries

MAX_BYTES = 150_000_000  # of all arrays together; four layers of 3000 units in float32
MAX_MEMBERS = 500
MAX_JSON = 200_000  # bytes of what is said beside the arrays: each mark of it may cost a hundred


def require_modest(path: Path) -> None:
    """Refuse a file whose arrays are many or large, or are not what their headers say.

    Raises
    ------
    ValueError
        If it is no `.npz` file of modest size.
    """
    try:
        if (count := count_entries(path)) > 2 * MAX_MEMBERS:
            raise ValueError(f"it holds {count} arrays, more than {MAX_MEMBERS}")
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAX_MEMBERS:
                raise ValueError(f"it holds {len(members)} arrays, more than {MAX_MEMBERS}")
            if (total := sum(member.file_size for member in members)) > MAX_BYTES:
                raise ValueError(f"it unpacks to {total} bytes, more than {MAX_BYTES}")
            for member in members:
                _require_honest(archive, member)
    except Exception as error:  # NumPy raises nearly all there is on files made to harm
        raise ValueError(str(error) or type(error).__name__) from None


def _require_honest(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse an array whose header asks for more memory than the member has bytes."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is compressed in another way than NumPy does")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        if dtype.kind in "SU" and member.file_size > MAX_JSON:
            raise ValueError(f"a text in it has {member.file_size} bytes, more than {MAX_JSON}")
        if dtype.hasobject or file.tell() + dtype.itemsize * math.prod(shape) != member.file_size:
            raise ValueError("an array is of another size than its header says, or holds objects")
