"""Releases: what was published, frozen. A release is written once, whole, and never recomputed.

A release is a folder ``data/releases/<version>`` that came into being by one rename. It holds the run's
results, the report, the protocol, the tables that people edit as they were (``inputs.zip``), digests of the
searches and earlier releases that were read (``inputs.json``), and what a repository of data wants to know.
"""

import hashlib
import os
import re
import shutil
from pathlib import Path

import yaml

from livingreview import paths, secrets, tables
from livingreview.config import without_notify
from livingreview.errors import InputError
from livingreview.living import bundles, citation, crate, versions
from livingreview.search import snapshot

# A run without these is not built, and no later run could be compared with it.
REQUIRED = ["estimates.csv", "estimates.json", "effects.csv", "included.csv", "flow.json"]
# Kept as well where the run made them. What is large and follows from the rest is not among them.
ALSO = [
    "report.html",
    "ledger.csv",
    "changes.json",
    "methods_changes.json",
    "triggers.json",
    "certainty.json",
    "checklists.csv",
    "text.json",
    "status.json",
    "whats_new.json",
    "whats_new.md",
    "notices.csv",
    "risk_of_bias.csv",
    "subgroups.csv",
    "sensitivity.csv",
]
KEPT = [*REQUIRED, *ALSO]

RELEASE, CONFIG = "release.json", "config.yaml"
CHECKSUMS = "checksums.sha256"
INPUTS, TABLES = "inputs.json", "inputs.zip"
ARCHIVE = "archive.html"
# Not tables of people: searches and releases are named by their digests, and the records of the sandbox are
# kept only where it answered.
NOT_TABLES = ("searches", "releases", "sandbox")
DRAFTS = ".draft"  # one folder deeper than releases are looked for

last_before = versions.last_before


def read(paths):
    """Every release, oldest version first.

    Returns
    -------
    list of dict
        The content of each ``release.json``, with its folder as ``path``.
    """
    found = [tables.read_json(path) | {"path": str(Path(path).parent)} for path in paths]
    return sorted(found, key=lambda release: versions.parse(release["version"]))


def read_all(review):
    """Every release in a review's folder, as from `read`."""
    return read(sorted((Path(review) / "data/releases").glob(f"*/{RELEASE}")))


def table(release, name):
    """A frozen table of a release, such as ``estimates``, as a frame."""
    return tables.read_results(Path(release["path"]) / f"{name}.csv")


def contents(release):
    """A release with what the page of all versions shows of it.

    Returns
    -------
    dict
        The release with ``files``, their names, and, unless it is a published review that this one follows,
        the frames ``estimates`` and ``effects``.
    """
    files = sorted(path.name for path in Path(release["path"]).iterdir())
    if release["kind"] != "release":
        return release | {"files": files}
    return release | {"files": files, **{name: table(release, name) for name in ("estimates", "effects")}}


def protocol(release):
    """The protocol of a release as it was, a dict; None of a release that froze none."""
    path = Path(release["path"]) / CONFIG
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None


def find(review, version):
    """One release of a review, as from `read`.

    Raises
    ------
    InputError
        If there is none of this version, or it is a published review and no release of this one.
    """
    every = {release["version"]: release for release in read_all(review)}
    own = [release["version"] for release in versions.own(every.values())]
    if version not in own:
        raise InputError(
            Path(review) / "data/releases",
            problem="a published review, and no release of this one"
            if version in every
            else "no such release",
            found=version,
            allowed=", ".join(own) or "none: nothing was released yet",
        )
    return every[version]


def freeze(review, config, *, version, run, frozen_on, note, doi=None, made_by=None, page=None):
    """Freeze a run's results as a release.

    Parameters
    ----------
    review : path
        The review's folder, with config.yaml, data/ and results/<run>.
    config : dict
        The protocol, checked.
    version : str
        YY.minor.patch; see `versions.check`.
    run : str
        The month that is frozen.
    frozen_on : str
        YYYY-MM-DD.
    note : str
        What this release is, in a sentence for readers.
    doi : str, optional
        Reserved for this version.
    made_by : dict, optional
        ``software`` (name to version) and ``code`` (fingerprint, commit, edited).
    page : callable, optional
        Given every release, this one included, the text of the page that lists them.

    Returns
    -------
    Path
        The release's folder.

    Raises
    ------
    InputError
        If the note is empty, the version is not the next one, or results or searches are missing. Nothing is
        written then.
    """
    review = Path(review)
    folder, results = review / "data/releases", review / "results" / run
    every = read_all(review)
    if not note.strip():
        raise InputError("the note", problem="it is empty", hint='make release VERSION=26.1.0 NOTE="..."')
    versions.check(version, run=run, frozen_on=frozen_on, releases=every)
    _check_built(results, run=run)
    last = versions.newest(versions.own(every))
    about = {
        "version": version,
        "kind": "release",
        "run": run,
        "frozen_on": frozen_on,
        "note": note.strip(),
        "previous": last and last["version"],
        **({"doi": doi} if doi else {}),
        **(made_by or {}),
    }
    draft = folder / DRAFTS / version
    # Of any version: what a freeze that was killed left is no longer wanted.
    shutil.rmtree(draft.parent, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in KEPT:
        if (results / name).exists():
            tables.write_bytes((results / name).read_bytes(), draft / name)
    text = (review / CONFIG).read_bytes().decode("utf-8")
    tables.write_bytes(without_notify(text).encode(), draft / CONFIG)
    tables.write_json(_inputs(review, run=run, releases=every), draft / INPUTS)
    with (draft / TABLES).open("wb") as file:
        bundles.write(file, _people_s_tables(review, config), day=frozen_on)
        file.flush()
        os.fsync(file.fileno())
    tables.write_json(about, draft / RELEASE)
    tables.write_text(citation.cff(about, config["review"]), draft / "CITATION.cff")
    tables.write_json(citation.zenodo(about, config["review"]), draft / ".zenodo.json")
    if page:
        tables.write_text(page([*every, about | {"path": str(draft)}]), draft / ARCHIVE)
    _seal(draft, about, config["review"])
    # A crash leaves no half release: only what was renamed into place is one.
    made = draft.rename(folder / version)
    tables.sync_folder(folder)
    # The release stands, whatever else lies there.
    shutil.rmtree(draft.parent, ignore_errors=True)
    return made


def _check_built(results, *, run):
    missing = [name for name in REQUIRED if not (results / name).exists()]
    if missing:
        raise InputError(
            results,
            problem=f"{', '.join(missing)} missing",
            hint=f"build the run {run} before releasing it",
        )


def _seal(folder, about, review):
    """Describe a folder's files for machines, and write their digests: last, so that they are of all."""
    files = {path.name: digest(path.read_bytes()) for path in sorted(folder.iterdir())}
    later = {CHECKSUMS: {"bytes": None, "sha256": None}}
    tables.write_json(crate.describe(about, review, files | later), folder / crate.DESCRIPTOR)
    files[crate.DESCRIPTOR] = digest((folder / crate.DESCRIPTOR).read_bytes())
    lines = [f"{found['sha256']}  {name}\n" for name, found in sorted(files.items())]
    tables.write_text("".join(lines), folder / CHECKSUMS)


def _inputs(review, *, run, releases):
    """Digests of the searches up to a run, and of the releases that it could be compared with."""
    searches = review / "data/searches"
    found = {}
    for path in sorted(searches.glob("*/*/*")):
        month = path.parents[1].name
        if path.is_file() and not _is_hidden(path.relative_to(searches)) and month <= run:
            found[path.relative_to(review).as_posix()] = digest(path.read_bytes())
    return {
        "searches": found,
        "releases": {release["version"]: folder_digest(release["path"]) for release in releases},
    }


def _people_s_tables(review, config):
    """(path, content) of every file of people, sorted, and of the records of a sandbox that answered."""
    data = review / "data"
    found = {
        path
        for path in data.rglob("*")
        if path.relative_to(data).parts[0] not in NOT_TABLES and not LEFT_BEHIND.fullmatch(path.name)
    }
    if config["search"].get("base_url") == "sandbox":
        corpus = config["search"]["sandbox_corpus"]
        found |= {review / corpus} if not paths.fault(corpus) else set()
    for path in sorted(found, key=lambda one: one.relative_to(review).as_posix()):
        if path.is_file():
            content = path.read_bytes()
            _refuse_secrets(path, content, secrets.held())
            yield path.relative_to(review).as_posix(), content


# Where programs look for passwords and keys; a release is given to everybody.
OF_SECRETS = re.compile(r"(.*\.)?env(\..*)?|\.netrc|.*\.(pem|key|p12)|id_(rsa|ed25519|ecdsa)", re.I)


def _refuse_secrets(path, content, known):
    text = content.decode("utf-8", "replace")
    found = [secret.name for secret in known if secret.is_in(text)]
    if found or OF_SECRETS.fullmatch(path.name):
        raise InputError(
            path,
            problem=f"the file holds {found[0]}" if found else "the file has a name as files of secrets have",
            hint="a release is given to everybody; take the file out of data/, and the secret out of the"
            " repository's history",
        )


# Locks, and what a write that was cut off left; ``.as_made`` beside a sheet belongs to it.
LEFT_BEHIND = re.compile(r"\..*\.lock|\..*\.partial|\..+\.(csv|json|xlsx)\.\w+")


def _is_hidden(path):
    return any(part.startswith(".") for part in path.parts)


def digest(data):
    """Size and SHA-256 of some bytes."""
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def folder_digest(folder):
    """One SHA-256 over the names and contents of a folder's files."""
    whole = hashlib.sha256()
    for path in sorted(Path(folder).iterdir()):
        whole.update(f"{digest(path.read_bytes())['sha256']}  {path.name}\n".encode())
    return whole.hexdigest()


def damaged(release):
    """Names of a release's files that its checksums do not hold for, or that are missing.

    A release of an older version of this program has no checksums; then nothing is known to be damaged.
    """
    folder = Path(release["path"])
    if not (folder / CHECKSUMS).is_file():
        return []
    lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    wanted = {name: value for value, name in (line.split("  ", 1) for line in lines)}
    return [
        name
        for name, value in wanted.items()
        if not (folder / name).is_file() or digest((folder / name).read_bytes())["sha256"] != value
    ]


def package(review, config, release, target):
    """Write a release as one zip file to deposit: a whole review's folder, from which it can be built again.

    Parameters
    ----------
    review : path
        The review's folder.
    config : dict
        The protocol.
    release : dict
        One of `read`, frozen with its inputs.
    target : path
        Where the zip goes; one of the same name is replaced, since it follows from the release.

    Returns
    -------
    list of str
        Files of the searches that are not in it, because the protocol keeps them on the machine that fetched
        them.
    """
    review, target = Path(review), Path(target)
    members, left_out = _package_members(review, config, release)
    files = {name: digest(read_it()) for name, read_it in members.items()}
    described = crate.describe(release, config["review"], files)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    with partial.open("wb") as file:
        ordered = ((name, read_it()) for name, read_it in sorted(members.items()))
        own = (crate.DESCRIPTOR, tables.to_json(described).encode())
        bundles.write(file, [own, *ordered], day=release["frozen_on"])
    partial.replace(target)
    return left_out


def _package_members(review, config, release):
    """What goes into a package: path to a function that reads it; and the paths left out."""
    folder = Path(release["path"])
    inputs = tables.read_json(folder / INPUTS)
    held = bundles.read(folder / TABLES)
    members = {name: (lambda data=data: data) for name, data in held.items()}
    for name in (CONFIG, "CITATION.cff", ".zenodo.json"):
        members[name] = (folder / name).read_bytes
    searches = {path: paths.confined(review, path, file=folder / INPUTS) for path in inputs["searches"]}
    left_out = [path for path, place in searches.items() if not shareable(place, config)]
    for path in searches.keys() - set(left_out):
        members[path] = searches[path].read_bytes
    for version in [*inputs["releases"], release["version"]]:
        for path in sorted(paths.confined(review, "data/releases", version, file=folder).iterdir()):
            members[path.relative_to(review).as_posix()] = path.read_bytes
    results = review / "results" / release["run"]
    for path in sorted([*results.glob("report.json"), *results.glob("figures/[!.]*.*")]):
        members[path.relative_to(review).as_posix()] = path.read_bytes
    readme = _readme(release, config, left_out).encode()
    members["README.md"] = lambda: readme
    return members, left_out


def shareable(path, config):
    """Whether a file of a search may be passed on.

    Where the protocol keeps records on the machine that fetched them (``search: bodies: local``), neither
    they nor what people exported from other databases may; digests, lists and provenance may.
    """
    path = Path(path)
    if path.parent.name == snapshot.FOLDER:
        about = tables.read_json(path.parent / snapshot.PROVENANCE)
        return about.get("bodies_kept") != snapshot.LOCAL or path.name not in about["bodies"]
    return config["search"]["bodies"] != snapshot.LOCAL or path.name == snapshot.PROVENANCE


def _readme(release, config, left_out):
    version = release["version"]
    lines = [
        f"# {config['review']['title']}",
        f"Living systematic review, version {version}, run of {release['run']}, frozen on"
        f" {release['frozen_on']}. {release['note']}",
        f"The report is `data/releases/{version}/report.html`, the numbers are beside it. Everything here is"
        " the review's folder as it was: searches as they were answered, the tables that people filled in,"
        " the protocol, and earlier releases. With the software living-review, in its folder, this builds"
        " the version again and compares it byte for byte:",
        f"```\nmake replay VERSION={version} REVIEW=path/to/this/folder\n```",
    ]
    if left_out:
        listed = "\n".join(f"- {path}" for path in sorted(left_out))
        lines.append(
            "Not passed on, because the protocol keeps these records on the machine that fetched them; their"
            f" digests are in `data/releases/{version}/{INPUTS}`:\n\n{listed}"
        )
    return "\n\n".join(lines) + "\n"
