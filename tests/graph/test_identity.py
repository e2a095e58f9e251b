"""Ids: their normal forms, what merges and what does not, and that no order matters."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.graph.identity import (
    arxiv_id,
    doi_id,
    fold,
    key_of,
    look_up_ids,
    may_merge,
    merged,
    name_id,
    normal_id,
    orcid_id,
    own_ids,
    strong_ids,
    work_ids,
)
from tutelage.graph.model import NodeClaim


@pytest.mark.parametrize(
    "text",
    [
        "10.1109/CVPR52688.2022.01165",
        "https://doi.org/10.1109/cvpr52688.2022.01165",
        "http://dx.doi.org/10.1109%2FCVPR52688.2022.01165",
        " doi:10.1109/CVPR52688.2022.01165. ",
    ],
)
def test_every_spelling_of_a_doi_is_one_id(text: str) -> None:
    assert doi_id(text) == "doi:10.1109/cvpr52688.2022.01165"


@pytest.mark.parametrize(
    "text",
    ["2203.08679", "arXiv:2203.08679v2", "https://arxiv.org/abs/2203.08679v1"],
)
def test_an_arxiv_id_has_no_version_and_is_the_same_as_arxivs_own_doi(text: str) -> None:
    assert arxiv_id(text) == doi_id("https://doi.org/10.48550/arXiv.2203.08679v3")


@pytest.mark.parametrize("text", [None, 7, [], "", "nonsense", "10.1/x", "x" * 10_000, "10.1109/"])
def test_what_is_no_id_is_none_and_raises_nothing(text: object) -> None:
    assert (doi_id(text), arxiv_id(text), orcid_id(text)) == ("", "", "")
    assert normal_id(text) == ""


# From https://support.orcid.org "Structure of the ORCID Identifier": the last digit is a check.
@pytest.mark.parametrize("name", ["0000-0002-1825-0097", "0000-0002-9079-593X"])
def test_an_orcid_with_one_wrong_digit_is_none(name: str) -> None:
    assert orcid_id(name) == f"orcid:{name}"
    for place in (0, 8, 18):
        digit = "1" if name[place] != "1" else "2"
        assert orcid_id(name[:place] + digit + name[place + 1 :]) == ""


def test_a_preprint_finds_the_paper_of_the_next_year_by_title_and_first_author() -> None:
    title = "Decoupled Knowledge Distillation"
    preprint = NodeClaim(
        kind="work",
        ids=work_ids(title=title, authors=["Borui Zhao"], year=2021, strong=["arxiv:2203.08679"]),
        label=title,
    )
    paper = work_ids(title="Decoupled knowledge distillation.", authors=["B. Zhao"], year=2022)
    assert set(look_up_ids(preprint, own_ids(preprint))) & set(paper)
    assert not set(own_ids(preprint)) & set(paper)
    other = work_ids(title=title, authors=["Ann Other"], year=2021)
    assert not set(look_up_ids(preprint, own_ids(preprint))) & set(other)


def test_a_weak_id_never_merges_two_things_with_different_strong_ids_of_a_namespace() -> None:
    name = name_id("person", "Jun Li")
    one, two = "orcid:0000-0002-1825-0097", "orcid:0000-0002-9079-593X"
    assert not may_merge(strong_ids([one, name]), strong_ids([two, name]), name)
    assert may_merge(strong_ids([one, name]), strong_ids(["openalex:A1", name]), name)
    assert may_merge(strong_ids([one, name]), strong_ids([two, one, name]), name)
    assert may_merge(strong_ids([one, name]), strong_ids([two, name]), one)


def test_a_title_without_authors_is_no_reason_to_merge_what_has_an_id() -> None:
    assert work_ids(title="Editorial", strong=["doi:10.1000/1"]) == ("doi:10.1000/1",)
    assert work_ids(title="Editorial") == ("title:editorial||",)


def test_the_key_is_of_the_strongest_namespace_in_any_order() -> None:
    ids = ["title:x|y|2022", "s2:7", "openalex:W1", "arxiv:2203.08679", "doi:10.1/b", "doi:10.1/a"]
    for left in range(len(ids)):
        assert {key_of(order) for order in itertools.permutations(ids[left:])} == {
            key_of(ids[left:])
        }
    assert key_of(ids) == "doi:10.1/a"
    assert key_of(ids[:2]) == "s2:7"
    assert key_of(["name:a", "run:1"]) == "run:1"


CLAIMS = [
    ("import:b", NodeClaim(kind="work", ids=("doi:10.1/x",), label="doi:10.1/x")),
    (
        "import:a",
        NodeClaim(
            kind="work",
            ids=("openalex:W1", "doi:10.1/x"),
            label="A title",
            year=2023,
            facts={"cited_by": 9, "abstract": "Long.", "type": "article"},
        ),
    ),
    (
        "shipped:dkd",
        NodeClaim(
            kind="work",
            ids=("doi:10.1/x",),
            label="A Title",
            year=2022,
            facts={"type": "preprint", "cited_by": 3, "names": ["Alias"]},
        ),
    ),
]


def test_claims_merge_to_the_same_in_every_order_and_the_toolkit_is_believed_first() -> None:
    told = [merged(order) for order in itertools.permutations(CLAIMS)]
    assert all(claim == told[0] for claim in told)
    assert told[0] == NodeClaim(
        kind="work",
        ids=("doi:10.1/x", "openalex:W1"),
        label="A Title",
        year=2022,
        facts={
            "abstract": "Long.",
            "cited_by": 9,
            "names": ["A title", "Alias"],
            "type": "preprint",
        },
    )


@pytest.mark.parametrize("claim", [claim for _, claim in CLAIMS])
def test_a_claim_alone_comes_to_what_it_does_twice(claim: NodeClaim) -> None:
    assert merged([("import:a", claim)]) == merged([("import:a", claim), ("import:b", claim)])


def test_a_count_of_works_keeps_the_source_it_came_with() -> None:
    topic = {"kind": "topic", "ids": ("topic:vision",), "label": "Vision"}
    shipped = NodeClaim(**topic, facts={"works_count": 30606, "works_count_source": "that page"})  # type: ignore[arg-type]
    fuller = NodeClaim(**topic, facts={"works_count": 9, "works_count_source": "elsewhere"})  # type: ignore[arg-type]
    facts = merged([("import:a", fuller), ("shipped:dkd", shipped)]).facts
    assert facts == shipped.facts


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
