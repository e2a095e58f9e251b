"""One transaction with a database: what SQLite and PostgreSQL say differently stays below here."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from typing import Any, ClassVar

Row = tuple[Any, ...]

SLICE = 2_000  # rows that are made of columns at a time, to be written while they are in a cache
LINK_ENDS = "source, kind, target, origin, source_name, target_name"  # no two links have the same
LINK_COLUMNS = f"{LINK_ENDS}, weight, facts"
HEAVIER_STAYS = (
    f"ON CONFLICT ({LINK_ENDS}) DO UPDATE SET weight = excluded.weight, facts = excluded.facts "
    "WHERE (excluded.weight, excluded.facts) > (link.weight, link.facts)"
)


class Talk(ABC):
    """A connection within a transaction. Values stand as ``?`` in statements."""

    numbers: ClassVar[str]  # `x {numbers}` holds where x is one of the numbers of a `pack`
    texts: ClassVar[str]

    @abstractmethod
    def stream(self, statement: str, *given: object) -> Iterator[Row]:
        """Yield what a question gives, as it comes."""

    @abstractmethod
    def run(self, statement: str, *given: object) -> None:
        """Carry out a statement."""

    @abstractmethod
    def many(self, statement: str, rows: Iterable[Row]) -> None:
        """Carry out a statement for each row."""

    def insert(self, into: str, rows: Iterable[Row], conflict: str = "") -> None:
        """Add rows to a table, `into` its name and columns; `conflict` is said after the values."""
        places = ", ".join("?" * (into.count(",") + 1))
        self.many(f"INSERT INTO {into} VALUES ({places}) {conflict}", rows)

    @abstractmethod
    def pack(self, values: Collection[int] | Collection[str]) -> object:
        """Return values as one for `numbers` or `texts`."""

    @abstractmethod
    def add_links(self, rows: Iterable[Row]) -> None:
        """Write rows of `LINK_COLUMNS`, sorted; of a row that is there the heavier one stays."""

    @abstractmethod
    def index_words(self, rows: Iterable[tuple[int, int, str]], *, anew: bool) -> None:
        """Let search find the words of nodes (number, rank, words); `anew` forgets all before."""

    @abstractmethod
    def ask_words(self, terms: list[tuple[str, bool]], kinds: list[str], limit: int) -> list[int]:
        """Return the numbers of nodes that have all words and one of the kinds, in rank order.

        There are words or kinds.
        """

    @abstractmethod
    def drop_back_index(self) -> None:
        """Forget for now how links are found by their target, so that many are added quickly."""

    @abstractmethod
    def build_back_index(self) -> None:
        """Find links by their target again."""

    def rows(self, statement: str, *given: object) -> list[Row]:
        """Return all that a question gives."""
        return list(self.stream(statement, *given))

    def one(self, statement: str, *given: object) -> Any:
        """Return the one value that a question gives, or None."""
        return next((row[0] for row in self.rows(statement, *given)), None)
