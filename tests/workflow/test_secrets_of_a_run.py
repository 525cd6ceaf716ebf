"""What a whole month leaves and says holds no secret of its environment."""

import gzip

from security.planted import PIECES, leaks


def test_nothing_that_a_month_leaves_or_says_holds_a_secret(built_once):
    files = [path for path in built_once.folder.rglob("*") if path.is_file()]
    names = {path.relative_to(built_once.folder).parts[0] for path in files}
    # Snakemake's own memory and logs as well.
    assert {"results", "logs", "data", ".snakemake"} <= names
    assert leaks(*built_once.said, folder=built_once.folder) == []
    for path in files:
        if path.suffix == ".gz":
            unpacked = gzip.decompress(path.read_bytes())
            assert not any(piece.encode() in unpacked for piece in PIECES), path


def test_nothing_that_a_month_leaves_may_be_written_by_everybody(built_once):
    for path in built_once.folder.rglob("*"):
        if not path.is_symlink():
            assert not path.stat().st_mode & 0o002, path
