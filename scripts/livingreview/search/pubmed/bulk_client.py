"""PubMed's own files in the place of its service: for reviews too large for the E-utilities."""

from livingreview.errors import ReviewError
from livingreview.search.pubmed import bulk
from livingreview.search.pubmed.entrez import Found
from livingreview.search.pubmed.partition import FIRST_UID, LAST_UID, Part
from livingreview.search.query.syntax import parse, translate


class BulkError(ReviewError):
    """The scan of the files does not answer what was asked."""


class BulkClient:
    """Answers as `entrez.Client` does, from what the scan of the files found; a context manager.

    Records that the files cannot decide count as found, so that people decide on them.

    Parameters
    ----------
    folder : path
        What ``bulk.write`` has filled.
    as_of : str
        The day on which the newest of the files was published, YYYY-MM-DD.
    """

    # The scan keeps the articles that match; what others say now is not known, so none is called gone.
    refetches = False

    def __init__(self, folder, *, as_of):
        self._answers = bulk.as_answers(folder, with_undecided=True)
        self._as_of = as_of

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing is held open."""

    def search(self, query):
        """All that the files hold for a query, as `entrez.Found`; its limits are among the messages.

        Raises
        ------
        BulkError
            If the files were scanned for another query.
        """
        answers = self._answers
        if answers.query != query:
            raise BulkError(
                "the files were scanned for another query than the protocol's; hint: build the target bulk"
                " again"
            )
        pmids = tuple(sorted(answers.pmids, key=int, reverse=True))
        listed = "".join(f"<Id>{pmid}</Id>\n" for pmid in pmids)
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<IdList>\n{listed}</IdList>\n'.encode()
        return Found(
            count=len(pmids),
            pmids=pmids,
            translation=translate(parse(query).tree),
            dropped=(),
            messages=tuple(self._messages()),
            searched_at=f"{self._as_of}T00:00:00+00:00",
            parts=(Part(query, FIRST_UID, LAST_UID, len(pmids), pmids, body),),
            body=body,
        )

    def fetch(self, pmids):
        """The articles with these PMIDs, as `entrez.Client.fetch`."""
        return _Reading(self._answers, set(pmids))

    def _messages(self):
        answers = self._answers
        yield f"searched offline in {len(answers.files)} files of PubMed"
        if answers.undecided:
            yield f"{len(answers.undecided)} records could not be decided and are counted as found"
        if answers.missing:
            yield f"files that are missing: {', '.join(answers.missing)}"
        for limit in answers.limits:
            yield f"{limit['term']}: {limit['why']} ({limit['effect']})"


class _Reading:
    def __init__(self, answers, wanted):
        self._answers = answers
        self._wanted = wanted
        self.absent = ()

    def __iter__(self):
        missing = set(self._wanted)
        for article in self._answers.articles():
            if article.pmid in missing:
                missing.discard(article.pmid)
                yield article
        self.absent = tuple(sorted(missing, key=int))
