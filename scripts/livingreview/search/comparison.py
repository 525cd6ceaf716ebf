"""One search beside all searches before it: what is new, what changed, what is gone."""

from collections import Counter

from livingreview.search import events


class Comparison:
    """What this search says, beside what all searches before it said.

    Attributes
    ----------
    rows : list of dict
        Records that are new, changed or gone, for records.csv.
    events : list of dict
        For events.csv.
    delivered : dict of str to dict
        Rows of all articles that came, by PMID.
    """

    def __init__(self, found, search, state):
        self._state = state
        self._date = found.searched_at[:10]
        self._now = set(found.pmids)
        self._last_day = state.last["searched_at"][:10] if state.last else None
        self.query_changed = bool(state.last) and state.last["query"].split() != search.query.split()
        self.rows, self.events, self.delivered = [], [], {}
        self._arrivals, self._missed, self._unchanged = Counter(), Counter(), 0

    def add(self, article, bodies):
        """Take an article that came; it is kept in `bodies` if it says anything new."""
        old = self._state.records.get(article.pmid)
        arrival = old["arrival"] if old else self._arrival(article)
        row = self.delivered[article.pmid] = events.row(article, arrival=arrival)
        if old and old["state"] == events.HELD and old["sha256"] == row["sha256"]:
            self._unchanged += 1
            return
        if old:
            self.events += events.between(old, row, date=self._date)
        else:
            self._arrivals[arrival] += 1
            if arrival != events.HELD_BACK:
                self._missed.update(self._missed_by(row))
        self.rows.append(row | {"file": bodies.add(article)})

    def close(self, absent):
        """Account for what did not come, and for what left the result or came back to it."""
        held = {row["doi"]: pmid for pmid, row in self.delivered.items() if row["doi"]}
        known = self._state.records
        for pmid in absent & set(known):
            if known[pmid]["state"] != events.GONE:
                self.events.append(events.disappeared(known[pmid], held, date=self._date))
                gone = {name: known[pmid][name] for name in events.RECORD_COLUMNS}
                self.rows.append(gone | {"state": events.GONE, "file": ""})
        revised = {pmid: row["date_revised"] for pmid, row in {**known, **self.delivered}.items()}
        # Of a record that is gone it is said already that it is not found.
        before = {pmid: row["found"] for pmid, row in known.items() if pmid not in absent}
        self.events += events.of_results(before, self._now, date=self._date, revised=revised)
        self.rows.sort(key=lambda row: int(row["pmid"]))
        self.events = events.in_order(self.events)

    def numbers(self, absent):
        """The counts of a provenance that come from the comparison."""
        known = set(self._state.records)
        return {
            "query_changed": self.query_changed,
            "n_fetched": len(self._now & set(self.delivered)),
            "absent": sorted(self._now & absent, key=int),
            "n_new": len(self._now - self._state.listed),
            "arrivals": dict(sorted(self._arrivals.items())),
            "missed_by_date_window": {
                "since": self._last_day,
                "entry_date": self._missed["pubmed_date"],
                "create_date": self._missed["entry_date"],
            },
            "known": {
                "records": len(known),
                "unchanged": self._unchanged,
                "changed": len(known & set(self.delivered)) - self._unchanged,
                "gone": len(known & absent),
                "not_asked": len(known - set(self.delivered) - absent),
                "not_found": len(known - self._now),
            },
            "n_events": dict(sorted(Counter(event["event"] for event in self.events).items())),
        }

    def _arrival(self, article):
        if article.pmid in self._state.listed:
            return events.HELD_BACK
        return events.arrival(article, last_search=self._last_day, query_changed=self.query_changed)

    def _missed_by(self, row):
        """By which of its dates a search limited to the days since the last one would miss a new record."""
        if self._last_day is None:
            return []
        return [name for name in ("pubmed_date", "entry_date") if row[name] and row[name] < self._last_day]
