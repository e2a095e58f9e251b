"""Every change of links goes through here, so that their count stays right."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from tutelage.graph.store._talk import Row, Talk

FEW = 50_000  # links, up to which a change is followed one by one
MANY = 200_000  # links from which it may pay to build the index by target afterwards
ALIKE = (
    "source = ? AND kind = ? AND target = ? AND origin = ? AND source_name = ? AND target_name = ?"
)


class Ledger:
    """Adds and drops links within a transaction; `close` brings counts and indexes up to date."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.changed = 0
        self.ends: set[int] = set()  # of asserted links that changed, while they are few
        self._sources: set[int] = set()
        self._before: Counter[int] = Counter()
        self._without_back_index = False

    @property
    def few(self) -> bool:
        """Whether what changed can be followed link by link."""
        return self.changed <= FEW

    def add(self, rows: Iterable[Row], count: int) -> None:
        """Add so many rows of `LINK_COLUMNS`; of one that is there the heavier stays."""
        if self.changed + count <= FEW:
            rows = list(rows)
            self._note(rows)
        else:
            self.changed += count
        if count >= MANY and not self._without_back_index:
            there = self.talk.one("SELECT coalesce(sum(number), 0) FROM tally WHERE what = 'link'")
            if there < 4 * count:
                self.talk.drop_back_index()
                self._without_back_index = True
        self.talk.add_links(rows)

    def drop(self, rows: Sequence[Row]) -> None:
        """Drop links, of which a row begins with all columns but weight and facts."""
        self._note(rows)
        self.talk.many(f"DELETE FROM link WHERE {ALIKE}", [row[:6] for row in rows])

    def drop_all_of(self, origin: int, number: int) -> None:
        """Drop all links of an origin, which are so many; of 0, the derived ones."""
        self.changed += max(number, FEW + 1)
        self.talk.run("DELETE FROM link WHERE origin = ?", origin)

    def close(self) -> None:
        """Count what there is now."""
        if self._without_back_index:
            self.talk.build_back_index()
        if not self.few:
            self.talk.run("DELETE FROM tally WHERE what = 'link'")
            self._add_up(dict(self.talk.rows(counted_by_kind())))
        elif self._sources:
            after = Counter(self._count(self._sources))
            after.subtract(self._before)
            self._add_up(after)

    def _note(self, rows: Sequence[Row]) -> None:
        """Count the links of sources before they change."""
        self.changed += len(rows)
        if not self.few:
            return
        self.ends |= {end for row in rows if row[3] for end in (row[0], row[2])}
        sources = {row[0] for row in rows} - self._sources
        self._before.update(self._count(sources))
        self._sources |= sources

    def _count(self, sources: Collection[int]) -> dict[int, int]:
        some = counted_by_kind(f"AND source {self.talk.numbers}")
        return dict(self.talk.rows(some, self.talk.pack(list(sources))))

    def _add_up(self, more: dict[int, int]) -> None:
        add_up(self.talk, "link", more)


def add_up(talk: Talk, what: str, more: dict[int, int]) -> None:
    """Add to what is counted by kind."""
    talk.insert(
        "tally (what, kind, number)",
        [(what, kind, number) for kind, number in more.items() if number],
        "ON CONFLICT (what, kind) DO UPDATE SET number = tally.number + excluded.number",
    )


def counted_by_kind(some: str = "") -> str:
    """Return how to count links by kind, those of several origins or names once.

    In the table's own order up to the kinds, of which there are few to sort.
    """
    near = (
        "SELECT source, kind, count(DISTINCT target) AS links FROM link "
        f"WHERE source <> target {some} GROUP BY source, kind"
    )
    return f"SELECT kind, CAST(sum(links) AS bigint) FROM ({near}) AS near GROUP BY kind"
