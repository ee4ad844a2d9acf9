"""Arrays on disk, one file each, mapped instead of read: what no search touches takes no memory, and processes share the rest."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def save_arrays(folder: Path, **arrays: Array) -> None:
    """Writes ``folder``/<name>.npy for each; ``folder`` is made."""
    folder.mkdir()
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def map_arrays(folder: Path) -> dict[str, Array]:
    """What ``save_arrays`` wrote, by name, read-only. The files must never change. Raises OSError, ValueError."""
    return {path.stem: np.asarray(np.load(path, mmap_mode="r")) for path in folder.glob("*.npy")}
