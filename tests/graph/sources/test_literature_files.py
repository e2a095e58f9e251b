"""What each format of literature says, as its maker writes it."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.graph.sources.samples import (
    BIBTEX,
    CROSSREF,
    LINKS_CSV,
    OPENALEX,
    SCHOLAR,
    WORKS_CSV,
    links,
    nodes,
    taken,
)

DKD = "doi:10.1109/cvpr52688.2022.01165"
TITLE = "title:decoupled knowledge distillation|zhao|2022"


def test_a_work_of_openalex(tmp_path: Path) -> None:
    claims, report = taken(tmp_path, OPENALEX)
    work = nodes(claims, "work")[0]
    assert report.format == "OpenAlex"
    assert work.ids == (DKD, "arxiv:2203.08679", "openalex:W4226426325", TITLE)
    assert (work.label, work.year) == ("Decoupled Knowledge Distillation", 2022)
    assert work.facts == {
        "abstract": "Logit distillation and feature distillation",
        "type": "article",
        "venue": "CVPR 2022",
        "url": "https://doi.org/10.1109/cvpr52688.2022.01165",
        "cited_by": 412,
        "doi": DKD[4:],
        "arxiv": "2203.08679",
    }
    people = [each.ids for each in nodes(claims, "person")]
    assert people == [
        ("openalex:A5100000001", "orcid:0000-0002-1825-0097"),
        ("name:jiajun liang",),
    ]
    places = [each.facts for each in links(claims, "authorship")]
    assert places == [{"position": 1, "authors": 2}, {"position": 2, "authors": 2}]
    topics = [(each.target, each.weight) for each in links(claims, "topic_signal")]
    assert topics == [("openalex:T10036", 0.99), ("openalex:T11307", 0.31)]
    cited = [each.target for each in links(claims, "cites")]
    assert cited == ["openalex:W1821462560", "openalex:W2739879705"]
    assert (report.nodes, report.links, report.skipped) == (7, 6, 0)


def test_authors_topics_and_concepts_of_openalex(tmp_path: Path) -> None:
    author = {
        "id": "https://openalex.org/A5023888391",
        "display_name": "Jason Priem",
        "display_name_alternatives": ["J. Priem", None],
        "orcid": "https://orcid.org/0000-0002-1825-0097",
        "works_count": 53,
    }
    topic = {"id": "https://openalex.org/T11636", "display_name": "AI in Health", "works_count": 9}
    old = {
        "id": "https://openalex.org/W1",
        "display_name": "Old",
        "concepts": [{"id": "https://openalex.org/C41008148", "display_name": "CS", "score": 0.6}],
    }
    retracted = {"id": "https://openalex.org/W2", "display_name": "Gone", "is_retracted": True}
    lines = "\n".join(json.dumps(each) for each in (author, topic, old, retracted))
    claims, report = taken(tmp_path, lines)
    (person,) = nodes(claims, "person")
    assert person.facts["names"] == ["J. Priem"]
    assert person.facts["works_count"] == 53
    assert [each.ids[0] for each in nodes(claims, "topic")] == [
        "openalex:T11636",
        "openalex:C41008148",
    ]
    assert nodes(claims, "work")[1].facts["retracted"] is True
    assert report.skipped == 0


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda work: work,
        lambda work: [work],
        lambda work: {"meta": {"count": 1}, "results": [work], "group_by": []},
    ],
    ids=["one", "list", "answer"],
)
def test_json_in_any_wrapping_says_the_same(tmp_path: Path, wrap: Any, indent: int | None) -> None:
    alone = taken(tmp_path, OPENALEX)[0]
    assert taken(tmp_path, json.dumps(wrap(OPENALEX), indent=indent))[0] == alone


def test_gzip_of_lines_is_as_the_plain_file(tmp_path: Path) -> None:
    text = "\n".join(
        json.dumps({**OPENALEX, "id": f"https://openalex.org/W{n}", "doi": None, "locations": []})
        for n in range(1, 50)
    )
    plain, report = taken(tmp_path, text, "part_000")
    packed, again = taken(tmp_path, gzip.compress(text.encode()), "part_000.gz")
    assert packed == plain
    assert again == report
    # Two members, one after the other, are one file: so snapshots are joined.
    half = text.encode().index(b"\n") + 1
    two = gzip.compress(text.encode()[:half]) + gzip.compress(text.encode()[half:])
    assert taken(tmp_path, two, "two.gz")[0] == plain


@pytest.mark.parametrize(
    "answer",
    [
        CROSSREF,
        {"status": "ok", "message-type": "work", "message": CROSSREF},
        {"status": "ok", "message": {"total-results": 1, "items": [CROSSREF]}},
    ],
    ids=["one", "work", "list"],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_work_of_crossref(tmp_path: Path, answer: object, indent: int | None) -> None:
    claims, report = taken(tmp_path, json.dumps(answer, indent=indent))
    work, cited = nodes(claims, "work")
    assert report.format == "Crossref"
    assert work.ids == (DKD, TITLE)
    assert work.facts["abstract"] == "Abstract We split & weigh."
    assert work.facts["type"] == "proceedings article"
    assert work.facts["venue"] == "2022 IEEE/CVF Conference"
    assert cited.ids == ("doi:10.1109/cvpr.2016.90",)
    assert [each.label for each in nodes(claims, "person")] == ["Borui Zhao", "A Consortium"]
    assert nodes(claims, "person")[0].ids == ("orcid:0000-0002-1825-0097",)


def test_a_paper_of_semantic_scholar(tmp_path: Path) -> None:
    claims, report = taken(tmp_path, SCHOLAR)
    work, cited, citing = nodes(claims, "work")
    assert report.format == "Semantic Scholar"
    assert work.ids[:4] == (
        DKD,
        "arxiv:2203.08679",
        "s2:247476179",
        f"s2paper:{SCHOLAR['paperId']}",
    )
    assert work.facts["type"] == "conference paper"
    assert [(each.source, each.target) for each in links(claims, "cites")] == [
        (DKD, cited.ids[0]),
        (citing.ids[0], DKD),
    ]
    assert [each.label for each in nodes(claims, "topic")] == ["Computer Science"]
    assert [each.ids[0] for each in nodes(claims, "person")] == ["s2author:2117", "name:q cui"]


def test_bibtex_with_latex_in_it(tmp_path: Path) -> None:
    claims, report = taken(tmp_path, BIBTEX)
    (work,) = nodes(claims, "work")
    assert report.problems == []
    assert work.label == "Decoupled Knowledge Distillation: 5% better, étude & more"
    assert [each.label for each in nodes(claims, "person")] == [
        "Borui Zhao",
        "José Müller",
        "The MEGVII Group",
    ]
    assert work.facts["url"] == "https://example.org/~x/a%20b_c?d=1&e=2"
    assert work.facts["venue"] == "Computer Vision and Pattern Recognition"
    assert work.ids[:2] == (DKD, "arxiv:2203.08679")
    assert [each.label for each in nodes(claims, "topic")] == ["distillation", "logits"]


def test_bibtex_addresses_as_people_escape_them(tmp_path: Path) -> None:
    text = r"@misc{a, title={A}, url={\url{https://a.org/x\_y\%20z}}, doi={10.1000/a\_b}}"
    (work,) = nodes(taken(tmp_path, text)[0], "work")
    assert work.facts["url"] == "https://a.org/x_y%20z"
    assert work.ids[0] == "doi:10.1000/a_b"


def test_broken_bibtex_costs_only_the_broken_entries(tmp_path: Path) -> None:
    text = (
        "@article{good, title={Good}, year={in press}}\n"
        "@article{open, title={No end\n"
        "@article{last, title={Last}, year={99999}}\n"
        "@article{last, title={Same key}}\n"
        "@misc{none, author={Nobody}}\n"
    )
    claims, report = taken(tmp_path, text)
    assert [(each.label, each.year) for each in nodes(claims, "work")] == [
        ("Good", None),
        ("Last", None),
    ]
    assert [line for line, _ in report.problems] == [2, 4, 5]
    reasons = [reason for _, reason in report.problems]
    assert "Was still looking for field-value closing" in reasons[0]
    assert "Duplicate entry key 'last'" in reasons[1]
    assert reasons[2] == "the entry none has no title"


def test_a_table_of_works(tmp_path: Path) -> None:
    for separator in ",;\t":
        text = WORKS_CSV.replace("; ", ";") if separator != ";" else WORKS_CSV
        if separator == "\t":
            text = text.replace(",", "\t")
        elif separator == ";":
            text = text.replace("Borui Zhao; Jiajun Liang", '"Borui Zhao; Jiajun Liang"')
            text = text.replace(",", ";")
        claims, report = taken(tmp_path, "\ufeff" + text)
        work, cited = nodes(claims, "work")
        assert (report.format, report.problems) == ("CSV", [])
        assert work.ids == (DKD, TITLE)
        assert cited.ids == ("arxiv:1503.02531",)
        assert [each.label for each in nodes(claims, "person")] == ["Borui Zhao", "Jiajun Liang"]


def test_a_table_of_links(tmp_path: Path) -> None:
    claims, report = taken(tmp_path, LINKS_CSV)
    assert report.problems == []
    assert [each.ids for each in nodes(claims, "person")] == [("name:borui zhao",)]
    assert [each.ids for each in nodes(claims, "work")] == [("arxiv:2203.08679",)]
    assert [(each.target, each.weight) for each in links(claims, "topic_signal")] == [
        ("topic:distillation", 0.5)
    ]


def test_an_end_is_known_again_however_rows_describe_it(tmp_path: Path) -> None:
    head = "source_kind,source,link,target_kind,target,source_label,target_label,weight\n"
    rows = (
        "work,arxiv:2203.08679,,,,Of one,,\n"
        "work,ARXIV:2203.08679,cites,work,doi:10.1000/2,,,\n"  # in another spelling
        "work,arxiv:2203.08679,cites,work,doi:10.1000/2,Of one,Of two, \n"  # told; no weight
        "person,Ann Lee,authorship,work,arxiv:2203.08679,,,2\n"
        "work,doi:10.1000/2,cites,work,arxiv:2203.08679,,Of one,\n"
    )
    claims, report = taken(tmp_path, head + rows)
    assert report.problems == []
    one, two = "arxiv:2203.08679", "doi:10.1000/2"
    found = [(each.source, each.target, each.weight) for each in links(claims, "cites")]
    assert found == [(one, two, 1), (one, two, 1), (two, one, 1)]
    assert [(each.target, each.weight) for each in links(claims, "authorship")] == [(one, 2)]
    assert report.nodes == 3


def test_a_row_that_is_refused_does_not_spoil_those_after_it(tmp_path: Path) -> None:
    head = LINKS_CSV.partition("\n")[0] + "\n"
    bad = "person,Ann Lee,bogus,work,A title,1\nperson,Ann Lee,authorship,work,A title,much\n"
    good = "person,Ann Lee,authorship,work,A title,1\n"
    claims, report = taken(tmp_path, head + bad + good)
    assert [line for line, _ in report.problems] == [2, 3]
    assert len(links(claims, "authorship")) == 1
    assert report.nodes == 2
