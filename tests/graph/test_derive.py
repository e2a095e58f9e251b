"""Derived links against their definitions, written out with sets, and against networkx."""

from collections import Counter
from itertools import combinations, product

import networkx
import numpy as np
import pytest

from tutelage.graph.derive import derive
from tutelage.graph.model import LINK_CODES, Links

Asserted = tuple[str, int, int, float]  # kind, source, target, weight

PEOPLE, WORKS, TOPICS = range(100, 160), range(200, 400), range(500, 520)


def as_links(asserted: list[Asserted]) -> Links:
    kinds, sources, targets, weights = zip(*asserted, strict=True) if asserted else ((), (), (), ())
    return Links(
        source=np.array(sources, dtype=np.int64),
        kind=np.array([LINK_CODES.index(kind) for kind in kinds], dtype=np.int64),
        target=np.array(targets, dtype=np.int64),
        weight=np.array(weights, dtype=np.float64),
        count=np.zeros(len(asserted), dtype=np.int64),
        strength=np.zeros(len(asserted)),
    )


def derived(asserted: list[Asserted], kind: str) -> dict[tuple[int, int], tuple[float, ...]]:
    links = derive(as_links(asserted))
    of = links.kind == LINK_CODES.index(kind)
    columns = (links.source, links.target, links.weight, links.count, links.strength)
    rows = list(zip(*(column[of].tolist() for column in columns), strict=True))
    found = {(source, target): tuple(why) for source, target, *why in rows}
    assert len(found) == len(rows)  # each pair of ends once
    return found


def literature(seed: int, *, works: int = 200) -> list[Asserted]:
    """Papers of 1 to 27 authors and 1 to 4 topics with scores; both lie around a field."""
    random = np.random.default_rng(seed)
    told: list[Asserted] = []
    for work in WORKS[:works]:
        count = int(random.choice([1, 2, 3, 4, 25, 26, 27]))
        field = random.random() ** 2
        near = np.argsort(np.abs(np.arange(len(PEOPLE)) / len(PEOPLE) - field))[:30]
        authors = random.permutation(near)[:count]
        told += [("authorship", PEOPLE[author], work, 1.0) for author in authors]
        topics = np.floor(3 * field + 1.3 * random.random(4) ** 3).astype(int) * 3 % len(TOPICS)
        scores = random.choice([0.1, 0.2, 0.3, 0.9, 1.0], len(topics))
        told += [
            ("topic_signal", work, TOPICS[topic], float(score))
            for topic, score in dict(zip(topics.tolist(), scores, strict=True)).items()
        ]
    return [told[place] for place in random.permutation(len(told))]


def test_five_authors_and_two_topics_have_ten_co_authorships_and_one_related_context() -> None:
    paper = [("authorship", person, 9, 1.0) for person in range(1, 6)]
    paper += [("topic_signal", 9, topic, 1.0) for topic in (7, 8)]
    links = derive(as_links(paper))
    assert Counter(LINK_CODES[code] for code in links.kind) == {
        "co_authorship": 10,
        "related_context": 1,
    }
    pairs = combinations(range(1, 6), 2)
    assert derived(paper, "co_authorship") == dict.fromkeys(pairs, (0.25, 1, 0.0))
    assert derived(paper, "related_context") == {(7, 8): (1.0, 1, 1.0)}


@pytest.mark.parametrize("seed", range(5))
def test_co_authorship_is_the_projection_that_networkx_computes(seed: int) -> None:
    told = literature(seed)
    written = [(source, target) for kind, source, target, _ in told if kind == "authorship"]
    listed = Counter(work for _, work in written)
    graph = networkx.Graph((person, work) for person, work in written if listed[work] <= 25)
    people = [node for node in graph if node in PEOPLE]
    wanted = networkx.bipartite.collaboration_weighted_projected_graph(graph, people)
    together = networkx.bipartite.weighted_projected_graph(graph, people)
    found = derived(told, "co_authorship")
    assert {tuple(sorted(pair)) for pair in wanted.edges} == set(found)
    for (one, other), (weight, count, _) in found.items():
        assert weight == pytest.approx(wanted[one][other]["weight"])
        assert count == together[one][other]["weight"]


@pytest.mark.parametrize("seed", range(5))
def test_works_on_is_its_definition(seed: int) -> None:
    told = literature(seed)
    scores = {(s, t): w for kind, s, t, w in told if kind == "topic_signal"}
    wanted: dict[tuple[int, int], tuple[float, ...]] = {}
    for person in PEOPLE:
        of = [work for kind, p, work, _ in told if kind == "authorship" and p == person]
        total = sum(score for (work, _), score in scores.items() if work in of)
        signal = {}
        for topic in TOPICS:
            own = [scores[work, topic] for work in of if (work, topic) in scores]
            signal[topic] = round(sum(own) / (total or 1), 9), sum(score >= 0.3 for score in own)
        share, support = max(signal.values())
        if support >= 2 and share >= 0.5:
            best = [topic for topic, told in signal.items() if told == (share, support)]
            wanted |= {(person, topic): (share, support, share) for topic in best}
    found = derived(told, "works_on")
    assert found == wanted
    assert 0 < len(found) < len(PEOPLE)


def test_a_second_paper_in_the_topic_is_what_makes_an_author_work_on_it() -> None:
    paper = [("authorship", person, 9, 1.0) for person in range(1, 6)]
    paper += [("topic_signal", 9, topic, 1.0) for topic in (7, 8)]
    assert derived(paper, "works_on") == {}
    second = [("authorship", 3, 10, 1.0), ("topic_signal", 10, 8, 1.0)]
    assert derived(paper + second, "works_on") == {(3, 8): (0.666666667, 2, 0.666666667)}


def test_who_halves_the_papers_between_two_topics_works_on_both_or_on_the_one_more_bear() -> None:
    papers = [("authorship", 1, work, 1.0) for work in (10, 11)]
    papers += [("topic_signal", work, topic, 1.0) for work in (10, 11) for topic in (8, 7)]
    others = [("topic_signal", work, 7, 1.0) for work in (12, 13)]  # which decide nothing
    assert set(derived(papers + others, "works_on")) == {(1, 7), (1, 8)}
    third = [("authorship", 1, 14, 1.0), ("topic_signal", 14, 8, 0.5)]
    fourth = [("authorship", 1, 15, 1.0), ("topic_signal", 15, 7, 0.25)]
    fifth = [("authorship", 1, 16, 1.0), ("topic_signal", 16, 7, 0.25)]
    assert set(derived(papers + third + fourth + fifth, "works_on")) == {(1, 8)}


def test_of_topics_as_strongly_related_the_first_by_their_keys_are_taken() -> None:
    paper = [("topic_signal", 9, topic, 1.0) for topic in range(100, 110)]
    related = LINK_CODES.index("related_context")
    for topics in (range(100, 110), range(109, 99, -1)):
        links = derive(as_links(paper), topics)
        of = links.kind == related
        ends = {*links.source[of].tolist(), *links.target[of].tolist()}
        assert ends == set(topics[:4])


def test_what_a_source_states_of_a_researcher_is_not_derived_again() -> None:
    papers = [("authorship", 1, work, 1.0) for work in (10, 11)]
    papers += [("topic_signal", work, 8, 1.0) for work in (10, 11)]
    assert set(derived(papers, "works_on")) == {(1, 8)}
    assert derived([*papers, ("works_on", 1, 8, 1.0)], "works_on") == {}
    assert set(derived([*papers, ("works_on", 1, 7, 1.0)], "works_on")) == {(1, 8)}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("times", [1, 8])
def test_related_context_is_its_definition(seed: int, times: int) -> None:
    # Eight copies of 200 papers are more than 1,000, of which five must bear both topics.
    told = [
        (kind, source + 1_000 * copy, target, weight)
        for copy in range(times)
        for kind, source, target, weight in literature(seed)
        if kind == "topic_signal"
    ]
    bear = {t: {s for _, s, target, w in told if target == t and w >= 0.3} for t in TOPICS}
    papers = len(set.union(*bear.values()))
    least = 1 if papers < 1_000 else 5
    ranked: dict[int, list[tuple[float, int, int]]] = {topic: [] for topic in TOPICS}
    for one, other in product(TOPICS, TOPICS):
        shared = len(bear[one] & bear[other])
        if one != other and shared >= least:
            strength = shared * papers / (len(bear[one]) * len(bear[other]))
            ranked[one] += [(-strength, -shared, other)] if strength >= 1 else []
    best = {topic: sorted(others)[:3] for topic, others in ranked.items()}
    wanted = {
        (one, other): (-strength, -shared, -strength)
        for one in TOPICS
        for strength, shared, other in best[one]
        if one < other and one in [back for _, _, back in best[other]]
    }
    found = derived(told, "related_context")
    assert found == wanted
    assert found


def test_a_list_of_topics_that_has_no_end_joins_nothing() -> None:
    paper = [("topic_signal", 9, topic, 1.0) for topic in range(100, 126)]
    assert derived(paper, "related_context") == {}
    assert derived(paper[:25], "related_context")


def test_a_model_taught_another_through_every_run_between_them() -> None:
    lineage = [
        ("teaches", 1, 50, 1.0),
        ("teaches", 1, 51, 1.0),
        ("teaches", 2, 51, 1.0),  # two teachers of one run
        ("produces", 50, 3, 1.0),
        ("produces", 51, 3, 1.0),  # the same weights again
        ("teaches", 3, 52, 1.0),
        ("produces", 52, 3, 1.0),  # which nobody taught itself
        ("produces", 53, 1, 1.0),  # labels alone
    ]
    assert derived(lineage, "taught") == {(1, 3): (2.0, 2, 0.0), (2, 3): (1.0, 1, 0.0)}


def test_derived_links_do_not_depend_on_the_order_of_those_they_follow_from() -> None:
    told = literature(0)
    one, other = derive(as_links(told)), derive(as_links(told[::-1]))
    for name in ("source", "kind", "target", "count"):
        assert np.array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_allclose(one.weight, other.weight, rtol=1e-12)


def test_nothing_follows_from_nothing() -> None:
    assert len(derive(as_links([]))) == 0
