"""What is written is read back as it was: by this toolkit, by networkx, by bibtexparser."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import networkx as nx
import pytest
from bibtexparser.entrypoint import parse_string

from tests.graph.sources.samples import BIBTEX, OPENALEX, nodes, took
from tutelage.errors import GraphError
from tutelage.graph.export import FORMATS, export
from tutelage.graph.export.views import export_view
from tutelage.graph.home import Home
from tutelage.graph.model import Claim, Link, Node, NodeClaim
from tutelage.graph.query import Query
from tutelage.graph.store import Origin, Place, Store, open_store

NASTY = "=<b>&amp; \"q\" 's' {x} 100% $5 ~ \\frac_a #1; ünï 中文"

NODES = [
    Node(
        id=7,
        key="doi:10.1000/a{b}",
        kind="work",
        label=NASTY,
        year=2022,
        importance=1.0,
        facts={
            "doi": "10.1000/a{b}",
            "url": "https://a.org/{x}%20y_~z?a=1&b=2",
            "ids": ["doi:10.1000/a{b}", "arxiv:2203.08679"],
            "arxiv": "2203.08679",
            "cited_by": 3,
            "retracted": True,
            "abstract": "123",  # a text that could be read as a number
            "names": ["Another", "title"],
            "type": "article",
            "venue": "True",
        },
    ),
    Node(
        id=9, key="name:ann lee", kind="person", label="Ann Lee", year=None, importance=1, facts={}
    ),
    Node(
        id=3,
        key="topic:x",
        kind="topic",
        label="X, y; z",
        year=None,
        importance=1,
        facts={"n": 0.5},
    ),
    Node(
        id=4, key="isbn:9", kind="work", label="Alone and away", year=1999, importance=1, facts={}
    ),
]
LINKS = [
    Link(
        source=9,
        kind="authorship",
        target=7,
        weight=1.0,
        facts={"position": 1, "authors": 1},
        origin="o",
    ),
    Link(source=7, kind="topic_signal", target=3, weight=0.25, facts={}, origin="o"),
    Link(source=7, kind="cites", target=99, weight=1.0, facts={}, origin="o"),  # not in the file
]
PLACES = {"name:ann lee": Place(1.5, -2.25)}


def written(name: str) -> bytes:
    return export(name, NODES, LINKS, PLACES)


@pytest.mark.parametrize("name", ["json", "graphml", "gexf"])
def test_all_that_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(written(name))
    claims, report = took(path)
    assert report.problems == []
    assert report.places == PLACES
    found = {each.ids[0]: each for each in claims if isinstance(each, NodeClaim)}
    for node in NODES:
        ids = node.facts.get("ids", [node.key])
        facts = {name: value for name, value in node.facts.items() if name != "ids"}
        told = found[node.key]
        assert list(told.ids) == ids
        assert (told.kind, told.label, told.year, told.facts) == (
            node.kind,
            node.label,
            node.year,
            facts,
        )
    assert [
        (each.kind, each.source, each.target, each.weight, each.facts)
        for each in claims
        if not isinstance(each, NodeClaim)
    ] == [
        ("authorship", "name:ann lee", "doi:10.1000/a{b}", 1.0, {"position": 1, "authors": 1}),
        ("topic_signal", "doi:10.1000/a{b}", "topic:x", 0.25, {}),
    ]


@pytest.mark.parametrize(("name", "reads"), [("graphml", nx.read_graphml), ("gexf", nx.read_gexf)])
def test_networkx_reads_it_and_what_networkx_writes_is_read(
    tmp_path: Path, name: str, reads: object
) -> None:
    path, again = tmp_path / "ours", tmp_path / "theirs"
    path.write_bytes(written(name))
    graph = reads(path)  # type: ignore[operator]
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (4, 2)
    assert graph.is_directed()
    node = graph.nodes["doi:10.1000/a{b}"]
    assert (node["label"], node["year"], node["kind"]) == (NASTY, 2022, "work")
    assert node["fact.cited_by"] == 3
    assert graph.edges["doi:10.1000/a{b}", "topic:x"]["weight"] == 0.25

    (nx.write_graphml if name == "graphml" else nx.write_gexf)(graph, again)
    mine, theirs = took(path)[0], took(again)[0]
    assert sorted(map(repr, theirs)) == sorted(map(repr, mine))


def test_a_spreadsheet_runs_nothing_and_gives_the_links_back(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv").decode())))
    assert len(rows) == 3  # two links, and a node alone
    assert rows[0]["target_label"] == f"'{NASTY}"
    assert not any(cell[:1] in "=+-@\t\r" for row in rows for cell in row.values() if cell)
    path = tmp_path / "file"
    path.write_bytes(written("csv"))
    claims, report = took(path)
    assert report.problems == []
    assert {
        (each.ids[0], each.label, each.year) for each in claims if isinstance(each, NodeClaim)
    } == {(node.key, node.label, node.year) for node in NODES}
    assert report.links == 2


def test_bibtexparser_reads_our_bibtex_and_so_do_we(tmp_path: Path) -> None:
    text = written("bibtex").decode()
    library = parse_string(text)
    assert not library.failed_blocks
    first, second = library.entries
    assert first.entry_type == "article"
    assert first["author"] == "Ann Lee"
    assert first["url"] == "https://a.org/%7Bx%7D%20y_~z?a=1&b=2"
    assert second.fields_dict.keys() == {"title", "year"}
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8")
    work, other = nodes(took(path)[0], "work")
    assert work.ids[:2] == ("doi:10.1000/a{b}", "arxiv:2203.08679")
    assert work.label == NASTY.replace("<b>&amp;", "&")  # which in BibTeX is HTML of a publisher
    assert work.facts["venue"] == "True"
    assert [each.label for each in nodes(took(path)[0], "topic")] == ["X y z"]
    assert other.year == 1999


def test_every_hostile_name_stays_inside_its_field() -> None:
    people = ["A and B", "Lee, Ann", "}{", "\\", "X} @misc{x", "ü % y"]
    some = [
        Node(
            id=place,
            key=f"name:{place}",
            kind="person",
            label=name,
            year=None,
            importance=1,
            facts={},
        )
        for place, name in enumerate(people, start=10)
    ]
    links = [
        Link(source=each.id, kind="authorship", target=7, weight=1, facts={}, origin="")
        for each in some
    ]
    library = parse_string(export("bibtex", [NODES[0], *some], links, {}).decode())
    assert not library.failed_blocks
    assert len(library.entries) == 1


def test_citation_keys_are_never_the_same() -> None:
    twins = [
        Node(id=n, key=f"s2:{n}", kind="work", label="Same", year=2000, importance=1, facts={})
        for n in range(5)
    ]
    library = parse_string(export("bibtex", twins, [], {}).decode())
    assert [entry.key for entry in library.entries] == [
        "2000same",
        *(f"2000same-{n}" for n in range(2, 6)),
    ]


def test_a_format_that_there_is_not_is_told() -> None:
    with pytest.raises(GraphError, match=r"not 'gexv'\. Did you mean 'gexf'"):
        export("gexv", [], [], {})


# ------------------------------------------------------------------ of a whole graph
@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with closing(Home(tmp_path_factory.mktemp("graph") / "graph.sqlite").open()) as opened:
        yield opened


def counted(store: Store, origin: str) -> tuple[Counter[str], Counter[str]]:
    members = store.members(origin, limit=1_000)
    links, _ = store.among([node.id for node in members], origin=origin)
    return Counter(node.kind for node in members), Counter(link.kind for link in links)


@pytest.mark.parametrize("name", ["json", "graphml", "gexf"])
def test_the_reference_case_goes_out_and_comes_in_as_it_was(
    store: Store, tmp_path: Path, name: str
) -> None:
    content = export_view(name, store, Query(within="shipped:dkd"))
    path = tmp_path / "file"
    path.write_bytes(content)
    claims, report = took(path)
    assert (report.nodes, report.links, report.derived) == (8, 7, 12)
    assert report.skipped == 0
    assert len(report.places) == 8
    with closing(open_store(tmp_path / "other.sqlite")) as other:
        other.replace(Origin(key="import:x", label="x"), claims)
        kinds, said = counted(store, "shipped:dkd")
        del said["works_on"]  # which the toolkit alone may state
        assert counted(other, "import:x") == (kinds, said)
        keys = [node.key for node in store.members("shipped:dkd", limit=99)]
        mine, theirs = store.nodes(keys), other.nodes(keys)
        for one, same in zip(mine, theirs, strict=True):
            assert (same.key, same.kind, same.label, same.year) == (
                one.key,
                one.kind,
                one.label,
                one.year,
            )


@pytest.mark.parametrize(("name", "reads"), [("graphml", nx.read_graphml), ("gexf", nx.read_gexf)])
def test_networkx_counts_the_reference_case_as_we_do(
    store: Store, tmp_path: Path, name: str, reads: object
) -> None:
    path = tmp_path / "file"
    path.write_bytes(export_view(name, store, Query(within="shipped:dkd")))
    graph = reads(path)  # type: ignore[operator]
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (8, 19)


def test_every_format_has_a_suffix_of_its_own() -> None:
    assert len({each.suffix for each in FORMATS.values()}) == len(FORMATS)


# ------------------------------------------------------------------ what becomes one
def applied(store: Store, *said: list[Claim]) -> None:
    for number, claims in enumerate(said):
        store.replace(Origin(key=f"import:{number}", label=str(number)), claims)


def test_one_paper_told_by_four_sources_is_one_node(tmp_path: Path) -> None:
    from tests.graph.sources.samples import CROSSREF, SCHOLAR, taken

    said = [taken(tmp_path, each)[0] for each in (OPENALEX, CROSSREF, SCHOLAR, BIBTEX)]
    with closing(open_store(tmp_path / "graph.sqlite")) as store:
        applied(store, *said)
        ids = ["doi:10.1109/cvpr52688.2022.01165", "arxiv:2203.08679", "openalex:W4226426325"]
        ids += ["s2:247476179"]
        assert len({node.id for node in store.nodes(ids)}) == 1
        (work,) = store.nodes(ids[:1])
        assert work.facts["cited_by"] == 412  # the largest of what is told
        # The ORCID joins OpenAlex's author and Crossref's; the name joins the others.
        people = ["openalex:A5100000001", "orcid:0000-0002-1825-0097", "s2author:2117"]
        assert len({node.id for node in store.nodes(people)}) == 1


def test_spellings_of_ids_do_not_part_a_paper_and_two_orcids_part_a_name(tmp_path: Path) -> None:
    from tests.graph.sources.samples import taken

    table = "title,authors,year,doi,arxiv\n"
    table += "A Title,Ann Lee,2020,https://doi.org/10.1000/ABC,\n"
    table += "Other words,,2020,10.1000/abc,arXiv:2001.00001v1\n"
    table += "And others,,2021,,https://arxiv.org/pdf/2001.00001v3.pdf\n"
    claims, report = taken(tmp_path, table)
    assert report.problems == []
    authors = [
        {"name": "Wei Wang", "ORCID": "0000-0002-1825-0097"},
        {"name": "Wei Wang", "ORCID": "0000-0001-5109-3700"},
    ]
    twins = taken(tmp_path, {"DOI": "10.1000/two", "title": ["Two"], "author": authors})[0]
    with closing(open_store(tmp_path / "graph.sqlite")) as store:
        applied(store, claims, twins)
        nodes_, links_ = store.count()
        assert nodes_["work"] == 2
        assert nodes_["person"] == 3
        assert links_["authorship"] == 3
