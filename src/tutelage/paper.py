"""`Paper`: what a method cites. Torch-free, so that the graph of papers can read it too."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """A publication, with whatever identifies it.

    >>> hinton = Paper(
    ...     title="Distilling the Knowledge in a Neural Network",
    ...     authors=("Geoffrey Hinton", "Oriol Vinyals", "Jeff Dean"),
    ...     year=2015,
    ...     arxiv="1503.02531",
    ... )
    >>> hinton.url, hinton.short
    ('https://arxiv.org/abs/1503.02531', 'Hinton et al., 2015')
    """

    title: str
    authors: tuple[str, ...]  # given name first, in the order of the paper
    year: int
    venue: str = ""  # such as CVPR; empty = a preprint
    journal: bool = False  # whether the venue is one, not a conference
    arxiv: str = ""  # identifier without a version
    doi: str = ""

    @property
    def url(self) -> str:
        """Where it can be read; empty if no identifier is known."""
        if self.arxiv:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi else ""

    @property
    def short(self) -> str:
        """First surname and year."""
        surnames = [author.rpartition(" ")[2] for author in self.authors]
        told = " and ".join(surnames) if len(surnames) < 3 else f"{surnames[0]} et al."
        return f"{told}, {self.year}"
