"""Exports of other programs as rows of the ledger: all or none, each with where it comes from."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from livingreview import kept_rows, tables
from livingreview.errors import CORRECTION, InputError, problem, unexplained
from livingreview.screening import decisions as ledger
from livingreview.screening.exchange import reading, ticket
from livingreview.screening.exchange.matching import Matcher
from livingreview.screening.exchange.ticket import NAMES

ARCHIVE = "imported"


class Hints(NamedTuple):
    """What to do about what is refused: in the words of the command, or of who else asks."""

    stage: str = "STAGE={found}"
    reviewer: str = 'name them: REVIEWER="..."'
    alias: str = 'say who it is: ALIAS="{found}={allowed}"'
    only: str = 'settle it there, or take one person\'s labels: ONLY="..."'
    note: str = 'say why: NOTE="...", or a note on the record in the program'
    correct: str = CORRECTION
    again: str = 'if it is meant again, say why: CORRECT=yes NOTE="..."'


COMMAND = Hints()


class Returned(NamedTuple):
    """What an export adds, and why the rest of it adds nothing.

    `rows` are new rows of the ledger. Of the file's labels, `unchanged` are as they were exported, `already`
    are in the ledger, `withdrawn` say what their person has taken back since, `maybe` and `unlabelled` are no
    decisions, `left_out` are those of other people.
    """

    rows: pd.DataFrame
    already: int
    withdrawn: int
    unchanged: int
    maybe: int
    unlabelled: int
    left_out: int
    remarks: list


def from_export(
    data,
    decisions,
    *,
    name,
    tool,
    records,
    stage,
    stages,
    reasons,
    run,
    decided_at,
    reviewer=None,
    aliases=None,
    only=None,
    reviewers=None,
    independent=1,
    note=None,
    correct=False,
    hints=COMMAND,
):
    """The ledger rows that an export of ASReview, Rayyan or Zotero adds.

    Parameters
    ----------
    data : bytes
        The file.
    decisions : DataFrame
        The whole ledger, under the records that are kept.
    name : path
        The file's name.
    tool : str
        One of `ticket.TOOLS`.
    records : DataFrame
        The corpus, duplicates included.
    stage : str
        The stage at which the file's labels were given.
    stages, reasons : list of str, dict
        The protocol's stages, and its coded reasons with their labels.
    run, decided_at : str
        The run in which the decisions count; when they were given, where the file does not say.
    reviewer : str, optional
        Who decided, where the file does not say.
    aliases : dict, optional
        Names in the file to names in the ledger.
    only : str, optional
        The one person in the file whose labels are taken.
    reviewers : list of str, optional
        The protocol's reviewers; others are refused.
    independent : int
        How many reviewers decide each record; with 2, each label is that of an independent reviewer.
    note : str, optional
        A note on every row; a correction needs one, or one in the file.
    correct : bool
        Whether decisions may replace different ones in force, or be given again after they were taken back.
    hints : Hints

    Returns
    -------
    Returned

    Notes
    -----
    A label that says what its person has taken back since is no new decision: the file may be older than
    that, or its program knows nothing of it. It is one if the file gives a later moment for it.

    Raises
    ------
    InputError
        As from `reading.read` and `decisions.from_queue`, and naming every record that is none or several of
        the review's, labels without a person, people who are no reviewers, reasons that the protocol lacks,
        labels that were exported for another stage, and records on which the file disagrees with itself.
    """
    labels = _Labels(
        stage=stage,
        reasons=reasons,
        reviewer=reviewer,
        aliases=aliases,
        only=only,
        names=reviewers,
        hints=hints,
    )
    known_by = ["record_id", "pmid", "doi", "title", "year", "duplicate_of"]
    matcher = Matcher(records[known_by].to_dict("records"))
    for entry in reading.read(data, name, tool):
        labels.take(entry, matcher)
    role = ledger.INDEPENDENT if independent > 1 else None
    labels.refuse_contradictions(by_person=role is not None)
    standing = _Standing(decisions, run=run, stage=stage, role=role)
    source = f"{NAMES[tool]}: {Path(name).name}, sha256 {digest(data)}"
    fresh, told, withdrawn = [], set(), 0
    for one in labels.taken:
        before = standing.before(one)
        if one["reason"] is None and before is not None and before.decision == one["decision"]:
            one["reason"] = before.reason or None  # the program knows no reasons; the one given stays
        said = "; ".join(part for part in (one["note"], note) if part) or None
        if not _says(before, one) and not (correct and said) and (back := standing.taken_back(one)):
            withdrawn += 1
            labels.remark_withdrawn(one, back)
            continue
        labels.check_correction(one, before, said, correct=correct)
        one["note"] = f"{said} ({source})" if said else source
        what = tuple(one[name] for name in ("record_id", "reviewer", "decision", "reason"))
        if not _says(before, one) and what not in told:
            fresh.append(one)
        told.add(what)
    if labels.faults:
        raise InputError(name, problems=labels.faults)
    options = {"known": set(records["record_id"]), "reasons": list(reasons), "stages": stages, "run": run}
    options |= {"path": name, "decided_at": decided_at, "correct": correct, "role": role}
    rows, filed = _rows(fresh, decisions, stage=stage, hints=hints, **options)
    already = len(labels.taken) - len(fresh) - withdrawn + filed
    return Returned(rows, already, withdrawn, *labels.counts(), labels.remarks)


def _rows(fresh, decisions, *, stage, path, role, decided_at, hints, **options):
    """The ledger's rows for labels, and how many of them it holds already; see `decisions.from_queue`."""
    # Independent reviewers file one by one, each without regard to what the others say.
    owners = sorted({one["reviewer"] for one in fresh}) if role else [None]
    parts, problems, filed = [], [], 0
    for owner in owners:
        own = [one for one in fresh if owner is None or one["reviewer"] == owner]
        try:
            rows, already = ledger.from_queue(
                _queue(own, stage),
                decisions,
                path=path,
                decided_at=decided_at,
                role=role,
                owner=owner,
                **options,
            )
        except InputError as error:
            problems += [_placed(line, own).replace(CORRECTION, hints.correct) for line in error.problems]
            continue
        moments = [own[index]["moment"] or decided_at for index in rows.index]
        parts.append(rows.assign(decided_at=pd.Series(moments, index=rows.index, dtype=object)))
        filed += already
    if problems:
        raise InputError(path, problems=problems)
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else decisions.iloc[:0], filed


def file(path, ledger_path, *, kept=None, **options):
    """Add the decisions of an export to the ledger, and keep the file beside it; see `from_export`.

    The file is kept as ``imported/<digest>-<name>`` in the ledger's folder before the first row is added, so
    that no row names a file that is not there.

    Returns
    -------
    Returned
    """
    path, ledger_path = Path(path), Path(ledger_path)
    if not path.is_file():
        raise InputError(path, problem="there is no such file")
    data = path.read_bytes()
    with tables.locked(ledger_path):  # two people who file at once must see each other's rows
        decisions = ledger.under_kept(tables.read(ledger_path, "screening"), kept or {}, run=options["run"])
        returned = from_export(data, decisions, name=path, **options)
        if len(returned.rows):
            tables.check(returned.rows.reindex(columns=tables.columns("screening")), ledger_path, "screening")
            copy = ledger_path.parent / ARCHIVE / f"{digest(data)}-{_plain(path.name)}"
            if not copy.exists():
                tables.write_bytes(data, copy)
            kept_rows.append(returned.rows, ledger_path, "screening", lock=False)
    return returned


def digest(data):
    """The first twelve digits of a file's SHA-256, which names it in the ledger and in the archive."""
    return hashlib.sha256(data).hexdigest()[:12]


def _plain(name):
    # The end holds the kind of file; a folder takes names of up to 255 bytes.
    return re.sub(r"[^\w.()+,-]", "_", name)[-50:]


class _Standing:
    """What a label would replace: the decision in force, or the person's own where two decide."""

    def __init__(self, decisions, *, run, stage, role):
        self.stage, self.role = stage, role
        self.held = {(row.record_id, row.stage): row for row in ledger.latest(decisions, run).itertuples()}
        self.together = ledger.standings(decisions, run)
        known = ledger.said_by(decisions, run)
        self.own = {(row.record_id, row.stage, row.reviewer): row for row in known.itertuples()}
        self.gone = {}
        for row, back in ledger.taken_back(decisions, run):
            self.gone.setdefault((row.record_id, row.stage, row.reviewer, ledger.role_of(row)), []).append(
                (row, back)
            )

    def taken_back(self, one):
        """The row by which its person took back what a label says; None if there is none, or it is older."""
        key = (one["record_id"], self.stage, one["reviewer"], self.role or ledger.ALONE)
        for row, back in reversed(self.gone.get(key, ())):
            is_same = row.decision == one["decision"] and one["reason"] in (None, row.reason or None)
            is_later = (one["moment"] or "")[: len(back.decided_at)] > back.decided_at
            if is_same and not is_later:
                return back
        return None

    def before(self, one):
        key = (one["record_id"], self.stage)
        shared = self.together.get(key)
        if self.role is None or shared is None:
            return self.held.get(key)
        own = [row for row in shared.open or shared.decided if row.reviewer == one["reviewer"]]
        if own or shared.open or not shared.decided:
            return own[-1] if own else None
        # Others have settled it since. The person's own old label says nothing new; another is a correction.
        mine = self.own.get((*key, one["reviewer"]))
        return mine if _says(mine, one) else shared.decided[-1]


class _Labels:
    """The labels of a file, one by one: which become decisions, which do not, and what is wrong."""

    def __init__(self, *, stage, reasons, reviewer, aliases, only, names, hints):
        self.stage, self.reasons, self.hints = stage, reasons, hints
        self.reviewer, self.aliases, self.only, self.reviewers = reviewer, aliases or {}, only, names
        self.taken, self.faults, self.remarks = [], [], []
        self.unchanged = self.maybe = self.unlabelled = self.left_out = 0
        self.people = set()

    def counts(self):
        return self.unchanged, self.maybe, self.unlabelled, self.left_out

    def fault(self, entry, **parts):
        self.faults.append(f"{entry.where}: {problem(**parts)}")

    def take(self, entry, matcher):
        """Sort one record's labels; faults are kept for one message."""
        carried = entry.tickets[0] if entry.tickets else None
        if len({one.record_id for one in entry.tickets}) > 1:
            told = ", ".join(one.record_id for one in entry.tickets)
            self.fault(entry, text="two records were merged into one", found=told, hint="import them apart")
            return
        if carried and carried.stage != self.stage:
            self.fault(
                entry,
                text="the record was exported for another stage",
                found=carried.stage,
                allowed=self.stage,
                hint=self.hints.stage.format(found=carried.stage),
            )
            return
        record = matcher.find(entry.cells, carried.record_id if carried else None)
        if isinstance(record, dict):
            self.fault(entry, **record)
            return
        for said in entry.said:
            self.people.add(said.user)
            if self.only is not None and said.user is not None and said.user != self.only:
                self.left_out += said.decision is not None
            elif said.decision is None:
                self.unlabelled += 1
            elif said.decision == reading.MAYBE:
                self.maybe += 1
            else:
                self._label(entry, said, record, carried)

    def _label(self, entry, said, record, carried):
        reason = self._reason(entry, said)
        # Many programs know no reasons, so that a label without one says nothing against the reason sent.
        sent = carried and (carried.label.split(":")[0] if reason is None else carried.label)
        if sent == ticket.label(said.decision, reason):
            self.unchanged += 1
            return
        who = self.aliases.get(said.user, said.user) or self.reviewer
        if who is None:
            self.fault(entry, text="the file does not say who decided", hint=self.hints.reviewer)
        elif self.reviewers and who not in self.reviewers:
            self.fault(
                entry,
                column="reviewer",
                text="this is no reviewer of the protocol",
                found=who,
                allowed=", ".join(self.reviewers),
                hint=self.hints.alias.format(found=who, allowed=self.reviewers[0]),
            )
        else:
            self.taken.append(
                {
                    "entry": entry,
                    "record_id": record,
                    "decision": said.decision,
                    "reason": reason,
                    "reviewer": who,
                    "note": said.note,
                    "moment": said.moment,
                }
            )

    def _reason(self, entry, said):
        """The code of the first of the protocol's reasons that a label names; the others are told."""
        codes, unknown = _coded(said.reasons, self.reasons)
        if unknown:
            allowed = ", ".join(self.reasons)
            hint = "name the reasons there as in the protocol, by code or label"
            self.fault(entry, column="reason", found=", ".join(unknown), allowed=allowed, hint=hint)
        if codes and said.decision != "exclude":
            self.fault(
                entry,
                column="reason",
                text="a reason belongs to an exclusion",
                found=f"{said.decision}, {codes[0]}",
            )
        ordered = [code for code in self.reasons if code in codes]
        if len(ordered) > 1:
            self.remarks.append(
                f"{entry.where}: several reasons; the protocol's first of them counts: {', '.join(ordered)}"
            )
        return ordered[0] if ordered else None

    def refuse_contradictions(self, *, by_person):
        """A record on which the file says two things: by one person, or by two where the protocol has one."""
        first = {}
        for one in self.taken:
            before = first.setdefault((one["record_id"], one["reviewer"] if by_person else None), one)
            if (before["decision"], before["reason"]) != (one["decision"], one["reason"]):
                self.fault(
                    one["entry"],
                    column="decision",
                    text=f"{one['record_id']} is decided twice in the file",
                    found=f"{one['decision']} ({one['reviewer']})",
                    allowed=f"{before['decision']} ({before['reviewer']}, {before['entry'].where})",
                    hint=self.hints.only,
                )
        if self.only is not None and self.people - {None} and self.only not in self.people:
            self.faults.append(
                problem(
                    "the file has no labels of this person",
                    found=self.only,
                    allowed=", ".join(sorted(self.people - {None})),
                )
            )

    def remark_withdrawn(self, one, back):
        """A label that is not filed, because its person has taken back what it says."""
        self.remarks.append(
            f"{one['entry'].where}: {one['reviewer']} took back {one['decision']} of {one['record_id']} on"
            f" {back.decided_at[:10]}, so that it is not filed again; {self.hints.again}"
        )

    def check_correction(self, one, before, note, *, correct):
        """A correction says why: the note that names the file is no reason."""
        if not correct or before is None or before.decision == "awaiting":
            return
        if (before.decision, before.reason or None) != (one["decision"], one["reason"]):
            fault = unexplained(
                before,
                column="decision",
                what="decision",
                found=one["decision"],
                allowed=before.decision,
                note=note,
                correct=correct,
            )
            if fault:
                fault["hint"] = self.hints.note
                self.fault(one["entry"], **fault)


def _coded(text, reasons):
    """(codes, unknown parts) of reasons with commas between them; a reason's label may hold commas itself."""
    known = {
        name.casefold().strip(): code for code, words in reasons.items() for name in (code, words) if name
    }
    parts, codes, unknown = [part for part in text.split(",") if part.strip()], [], []
    while parts:
        for length in range(len(parts), 0, -1):
            code = known.get(",".join(parts[:length]).casefold().strip())
            if code:
                codes.append(code)
                del parts[:length]
                break
        else:
            unknown.append(parts.pop(0).strip())
    return codes, unknown


def _says(before, one):
    """Whether a decision says what a label says."""
    return before is not None and (before.decision, before.reason or None) == (one["decision"], one["reason"])


def _placed(line, labels):
    """A message about a row of `_queue`, saying where in the file it is instead."""
    return re.sub(r"^row (\d+)", lambda match: labels[int(match[1]) - 2]["entry"].where, line)


def _queue(labels, stage):
    """Labels in the columns of a filled-in queue; the index is that of the label."""
    columns = tables.columns("queue")
    shared = ("record_id", "decision", "reason", "reviewer", "note")
    empty = dict.fromkeys(columns) | {"stage": stage}
    rows = [empty | {name: one[name] for name in shared} for one in labels]
    return pd.DataFrame(rows, columns=columns, dtype=object)
