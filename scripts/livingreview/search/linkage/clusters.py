"""Records united into clusters by links, strongest first, without ever uniting what must stay apart."""


class Clusters:
    """Clusters that grow by `unite`; each starts as one record.

    Parameters
    ----------
    ids : iterable of str
    apart : iterable of (str, str)
        Pairs that must never be in one cluster, whatever links lie between.
    """

    def __init__(self, ids, apart=()):
        self._of = {one: one for one in ids}
        self._members = {one: {one} for one in self._of}
        self._apart = {one: set() for one in self._of}
        for left, right in apart:
            if left in self._of and right in self._of:
                self._apart[left].add(right)
                self._apart[right].add(left)

    def of(self, one):
        """Members of a record's cluster, itself included."""
        return self._members[self._of[one]]

    def together(self, left, right):
        """Whether two records are in one cluster."""
        return self._of[left] == self._of[right]

    def between(self, left, right):
        """Pairs that must stay apart and that uniting two records' clusters would join, sorted."""
        others = self.of(right)
        return sorted((one, other) for one in self.of(left) for other in self._apart[one] & others)

    def unite(self, left, right):
        """Join the clusters of two records; nothing is asked."""
        keep, lose = self._of[left], self._of[right]
        if keep == lose:
            return
        if len(self._members[keep]) < len(self._members[lose]):
            keep, lose = lose, keep
        for one in self._members[lose]:
            self._of[one] = keep
        self._members[keep] |= self._members.pop(lose)

    def all(self):
        """All clusters, as sets of ids."""
        return list(self._members.values())
