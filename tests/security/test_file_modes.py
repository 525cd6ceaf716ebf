"""Files are made as the umask says, keep the mode that people gave them, and follow no link."""

import os
import stat

import pytest

from livingreview import lock, tables


@pytest.fixture(params=[0o022, 0o002, 0o077, 0o000], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_as_the_umask_says_and_never_written_by_everybody(tmp_path, umask):
    tables.write_text("x", tmp_path / "x.csv")
    with tables.locked(tmp_path / "x.csv"):
        pass
    os.close(lock.hold(tmp_path / "lock"))
    for name in ("x.csv", ".x.csv.lock", "lock"):
        assert mode(tmp_path / name) == 0o664 & ~umask, name


@pytest.mark.parametrize("given", [0o600, 0o640, 0o664, 0o444])
def test_a_file_that_is_written_again_keeps_its_mode(tmp_path, given):
    path = tmp_path / "private.csv"
    path.write_text("old")
    path.chmod(given)
    tables.write_text("new", path)
    assert (path.read_text(), mode(path)) == ("new", given)


def test_what_everybody_could_write_is_mended(tmp_path):
    path = tmp_path / "open.csv"
    path.write_text("old")
    path.chmod(0o666)
    tables.write_text("new", path)
    assert mode(path) == 0o664


def test_nothing_is_written_through_a_link(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    (tmp_path / "x.csv").symlink_to(precious)
    tables.write_text("new", tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").is_symlink()
    for name in (".y.csv.lock", "lock"):
        (tmp_path / name).symlink_to(precious)
    with pytest.raises(OSError, match="symbolic links"), tables.locked(tmp_path / "y.csv"):
        pass
    with pytest.raises(OSError, match="symbolic links"):
        lock.hold(tmp_path / "lock")
    assert precious.read_text() == "as it was"
