"""The literature that comes with the toolkit: read without torch, and just what importing gives."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from tutelage.graph import literature
from tutelage.graph.derive import derive
from tutelage.graph.literature import known_methods, shipped_claims
from tutelage.graph.model import (
    LINK_CODES,
    LINK_KINDS,
    NODE_KINDS,
    Claim,
    LinkClaim,
    Links,
    NodeClaim,
)

FOREIGN = '''"""A package's own method."""

from elsewhere import heavy
from tutelage.methods import LogitMethod
from tutelage.paper import Paper


class Mild(LogitMethod, name="mild"):
    """Be kind.

    And more.
    """

    paper: Paper = Paper(title="On Kindness", authors=("A. Body",), year=2030)
    builds_on = ("kd",)


class Milder(Mild, name="milder"):
    """Be kinder."""

    builds_on = tuple(heavy())
'''


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that offers methods, and cannot be imported here."""
    package = tmp_path / "kindness"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemError('imported')\n")
    (package / "mild.py").write_text(FOREIGN)
    entry = EntryPoint("mild", "kindness.mild", "tutelage.methods")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(literature, "entry_points", lambda **_: [entry])
    known_methods.cache_clear()
    yield
    known_methods.cache_clear()


def claims(origin: str) -> tuple[dict[str, NodeClaim], list[LinkClaim]]:
    """Return the nodes of an origin, by each of their ids, and its links."""
    told: list[Claim] = next(c for at, c in shipped_claims().items() if at.key == origin)
    nodes = {key: claim for claim in told if isinstance(claim, NodeClaim) for key in claim.ids}
    return nodes, [claim for claim in told if isinstance(claim, LinkClaim)]


def test_reading_the_files_of_methods_gives_what_importing_them_gives() -> None:
    from tutelage.methods import methods

    assert set(known_methods()) == set(methods)
    for name, told in known_methods().items():
        method = methods[name]
        assert (told.name, told.kind, told.paper, told.builds_on, told.summary) == (
            method.name,
            method.kind,
            method.paper,
            method.builds_on,
            (method.__doc__ or "").splitlines()[0],
        )


def test_what_a_method_builds_on_is_a_method_and_never_itself_in_the_end() -> None:
    known = known_methods()
    for name in known:
        above = {name}
        while above := {other for one in above for other in known[one].builds_on}:
            assert above <= set(known)
            assert name not in above


def test_the_literature_loads_no_torch_and_no_scipy() -> None:
    program = (
        "from tutelage.graph.literature import shipped_claims; shipped_claims(); import sys; "
        "assert not {'torch', 'scipy', 'tutelage.methods'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.usefixtures("foreign")
def test_the_methods_of_other_packages_are_read_and_not_imported() -> None:
    mild, milder = (known_methods()[name] for name in ("mild", "milder"))
    assert (mild.label, mild.summary, mild.kind) == ("mild", "Be kind.", "logit")
    assert mild.paper
    assert mild.paper.short == "Body, 2030"
    assert milder.paper == mild.paper
    assert (mild.builds_on, milder.builds_on) == (("kd",), ())  # the second must be run to know
    nodes, links = claims("shipped:methods")
    assert nodes["title:on kindness"].facts["type"] == "preprint"
    assert LinkClaim(kind="builds_on", source="method:mild", target="method:kd") in links


def test_a_package_whose_file_is_gone_is_passed_over_with_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = EntryPoint("gone", "a_package_that_is_gone.method", "tutelage.methods")
    monkeypatch.setattr(literature, "entry_points", lambda **_: [entry])
    known_methods.cache_clear()
    with pytest.warns(UserWarning, match="a_package_that_is_gone"):
        assert "dkd" in known_methods()
    known_methods.cache_clear()


@pytest.mark.parametrize("origin", ["shipped:dkd", "shipped:methods"])
def test_what_is_shipped_asserts_links_between_what_it_claims_each_once(origin: str) -> None:
    nodes, links = claims(origin)
    assert {claim.kind for claim in nodes.values()} <= set(NODE_KINDS)
    ends = Counter((link.kind, link.source, link.target) for link in links)
    assert set(ends.values()) == {1}
    for link in links:
        kind = LINK_KINDS[link.kind]
        assert nodes[link.source].kind == kind.source
        assert nodes[link.target].kind == kind.target
        assert not kind.derived or link.facts["basis"] == "profile"


def test_the_reference_case_has_the_counts_of_the_page() -> None:
    nodes, links = claims("shipped:dkd")
    keys = sorted(nodes)
    follow = derive(
        Links(
            source=np.array([keys.index(link.source) for link in links]),
            kind=np.array([LINK_CODES.index(link.kind) for link in links]),
            target=np.array([keys.index(link.target) for link in links]),
            weight=np.array([link.weight for link in links]),
            count=np.zeros(len(links), dtype=np.int64),
            strength=np.zeros(len(links)),
        )
    )
    found = Counter(link.kind for link in links)
    found.update(LINK_CODES[code] for code in follow.kind)
    assert found == {
        "authorship": 5,
        "co_authorship": 10,
        "topic_signal": 2,
        "works_on": 1,
        "related_context": 1,
    }
    overview = sum(found[kind] for kind in found if not LINK_KINDS[kind].projection)
    assert (len(keys), found.total(), overview) == (8, 19, 9)
    paper = "arxiv:2203.08679"
    assert sum(paper in (link.source, link.target) for link in links) == 7
    assert (nodes[paper].facts["type"], nodes[paper].year) == ("preprint", 2022)
    assert sorted(
        (node.label, node.facts["works_count"]) for node in nodes.values() if node.kind == "topic"
    ) == [("Artificial Intelligence", 22915), ("Computer Vision", 30606)]


def test_papers_of_methods_are_cited_as_what_they_were_published_in() -> None:
    nodes, _ = claims("shipped:methods")
    works = [claim.facts for claim in nodes.values() if claim.kind == "work"]
    found = {facts.get("venue"): facts["type"] for facts in works}
    assert found[None] == "preprint"
    assert found["CVPR"] == found["NeurIPS"] == "conference paper"
    assert found["IEEE TPAMI"] == "article"


def test_the_paper_of_the_reference_case_is_the_one_its_method_brings() -> None:
    (page, _), (methods, links) = claims("shipped:dkd"), claims("shipped:methods")
    paper = "arxiv:2203.08679"
    assert page[paper].label == methods[paper].label
    authors = [link.source for link in links if link.kind == "authorship" and link.target == paper]
    assert authors == [key for key, node in page.items() if node.kind == "person"]
    assert LinkClaim(kind="describes", source=paper, target="method:dkd") in links
