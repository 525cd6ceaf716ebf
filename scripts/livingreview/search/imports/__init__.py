"""Records that people exported from other databases."""

from livingreview.search.imports.reading import (
    CELLS,
    Folded,
    Imported,
    files,
    fold,
    identify,
    read,
    read_runs,
)

__all__ = ["CELLS", "Folded", "Imported", "files", "fold", "identify", "read", "read_runs"]
