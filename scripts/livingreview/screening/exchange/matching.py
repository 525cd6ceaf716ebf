"""Which of the review's records an exported record is: by id, PMID, DOI, or title and year, in this order."""

from livingreview.search.linkage import likeness

# Two titles of one record, one of them shortened or retyped, have more than this in common.
SAME_TITLE = 0.5


class Matcher:
    """Finds records; duplicates are found as the record that is kept.

    Parameters
    ----------
    records : iterable of dict
        With record_id, pmid, doi, title, year and duplicate_of; empty cells None or "".
    """

    def __init__(self, records):
        self.titles, self.kept = {}, {}
        self.by = {"pmid": {}, "doi": {}, "title": {}}
        for record in records:
            one = record["record_id"]
            kept = record["duplicate_of"] or one
            self.kept[one] = kept
            self.titles[one] = likeness.plain(record["title"] or "")
            self._add("pmid", record["pmid"], kept)
            self._add("doi", (record["doi"] or "").lower(), kept)
            self._add("title", _title(record), kept)

    def _add(self, kind, key, record_id):
        if key:
            self.by[kind].setdefault(key, set()).add(record_id)

    def find(self, cells, carried=None):
        """The record id, or a dict of arguments for `errors.problem`.

        Parameters
        ----------
        cells : dict
            record_id (None where unknown), pmid, doi, title, year; str.
        carried : str, optional
            The id that our own note states; it goes before all else.
        """
        given = carried or cells["record_id"]
        if given:
            if given not in self.kept:
                return {
                    "column": "record_id",
                    "text": "no search or import has found this record",
                    "found": given,
                }
            return self._checked(given, cells)
        for kind, key in (("pmid", cells["pmid"]), ("doi", cells["doi"]), ("title", _title(cells))):
            found = self.by[kind].get(key, ()) if key else ()
            if len(found) == 1:
                return next(iter(found)) if kind == "title" else self._checked(next(iter(found)), cells)
            if found:
                return {
                    "column": kind,
                    "text": "this may be several records",
                    "found": cells[kind],
                    "allowed": ", ".join(sorted(found)),
                    "hint": "write the right id into the record's notes: "
                    "living-review record_id=... stage=... label=none",
                }
        return {
            "text": "this is no record of the review",
            "found": cells["title"][:80] or cells["doi"] or cells["pmid"] or "nothing to know it by",
            "hint": "records from elsewhere are imported first: data/searches/<run>/imports/",
        }

    def _checked(self, record_id, cells):
        """The record kept, unless the titles show that a number and its record have come apart."""
        own, told = self.titles[record_id], likeness.plain(cells["title"])
        if own and told and not told.startswith(own):
            shared = likeness.dice(likeness.trigrams(own), likeness.trigrams(told))
            if shared < SAME_TITLE:
                return {
                    "column": "title",
                    "text": f"this is not the title of {record_id}",
                    "found": cells["title"][:80],
                    "hint": "the rows of the file have been mixed; export it again",
                }
        return self.kept[record_id]


def _title(cells):
    """Title and year for comparison; nothing where one of them is missing."""
    title = likeness.plain(cells["title"] or "")
    return (title, cells["year"]) if title and cells["year"] else None
