"""A digest of a script and of all of the project's modules that it imports.

Snakemake re-runs a rule when its script's time stamp moves, which a fresh clone always does, and does not see
an edit in an imported module. With this digest among the params, real edits re-run and clones do not.
"""

import functools
import hashlib
import os
import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
SCRIPTS = PACKAGE.parent
SCHEMAS = SCRIPTS.parent / "schemas"

# An import statement, wherever it stands. Parsing every module took a third of the time of a run in which
# there was nothing to do; a test compares what this finds with what the parser finds.
_STATEMENT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>[\w.]+)[ \t]+)?import[ \t]+(?P<names>\([^)]*\)|[^\n(]+)", re.M
)


def fingerprint(script, *also, schemas=()):
    """Digest of a script, of what it imports from the package, and of further files.

    Parameters
    ----------
    script : str
        File name in ``scripts/``.
    also : paths
        Further files, or folders of files (templates), on which the result depends.
    schemas : sequence of str
        Names of the schemas by which it reads tables.

    Returns
    -------
    str
        Twelve hexadecimal digits of SHA-256.
    """
    files = {SCRIPTS / script} | _imported(SCRIPTS / script, set())
    for path in [*map(Path, also), *(SCHEMAS / f"{name}.schema.json" for name in schemas)]:
        files |= {path} if path.is_file() else {p for p in path.rglob("*") if p.is_file()}
    digest = hashlib.sha256()
    # By the path within the repository: the same in every clone, and in a fixed order.
    for name, path in sorted((os.path.relpath(path, SCRIPTS.parent), path) for path in files):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


# All that results follow from besides the data and the protocol.
OF_THE_CODE = (
    "Snakefile",
    "rules",
    "scripts",
    "schemas",
    "templates",
    "data/trials/tools",
    "requirements.lock",
)


def of_all_code(root=SCRIPTS.parent):
    """Digest of the whole program, from which results follow together with the data and the protocol.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits; the same in every clone of the same version.
    """
    places = [Path(root) / name for name in OF_THE_CODE]
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(root).as_posix(), path) for path in files if path.is_file()):
        if "__pycache__" not in path.parts:
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def digests(paths):
    """Digests of files, so that one is seen to have changed whatever its time stamp says.

    Returns
    -------
    dict of str to str
        Path to the first twelve hexadecimal digits of SHA-256; "" for what is no file.
    """
    files = {str(path): Path(path) for path in paths}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else ""
        for name, path in files.items()
    }


def _imported(path, seen):
    for module in _imports(path):
        if module not in seen:
            seen.add(module)
            _imported(module, seen)
    return seen


@functools.cache
def _imports(path):
    """The package's files that a file imports, ``__init__`` of their folders included."""
    found = set()
    for line in _STATEMENT.finditer(path.read_text(encoding="utf-8")):
        for parts in _modules(line):
            for depth in range(1, len(parts) + 1):
                base = SCRIPTS.joinpath(*parts[:depth])
                found |= {p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()}
    return frozenset(found)


def _modules(statement):
    """The package's modules that a statement may import, in parts: what it names in one may be one too."""
    listed = re.sub(r"#.*|[()]", "", statement["names"]).split(",")
    names = [name.split()[0] for name in listed if name.strip()]
    origin = statement["module"]
    modules = [origin, *(f"{origin}.{name}" for name in names)] if origin else names
    return [parts for parts in (module.split(".") for module in modules) if parts[0] == PACKAGE.name]
