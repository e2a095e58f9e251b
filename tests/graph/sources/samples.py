"""Files as their makers write them, cut to what a test needs."""

import json
from pathlib import Path
from typing import Any

from tutelage.graph.model import Claim, LinkClaim, NodeClaim, singly
from tutelage.graph.sources import Report, read

OPENALEX: dict[str, Any] = {
    "id": "https://openalex.org/W4226426325",
    "doi": "https://doi.org/10.1109/CVPR52688.2022.01165",
    "title": "Decoupled Knowledge <i>Distillation</i>",
    "display_name": "Decoupled Knowledge <i>Distillation</i>",
    "publication_year": 2022,
    "ids": {"openalex": "https://openalex.org/W4226426325"},
    "type": "article",
    "primary_location": {
        "landing_page_url": "https://doi.org/10.1109/cvpr52688.2022.01165",
        "source": {"id": "https://openalex.org/S4363607701", "display_name": "CVPR 2022"},
    },
    "locations": [
        {"landing_page_url": "https://doi.org/10.1109/cvpr52688.2022.01165"},
        {"landing_page_url": "http://arxiv.org/abs/2203.08679v2"},
    ],
    "authorships": [
        {
            "author_position": "first",
            "author": {
                "id": "https://openalex.org/A5100000001",
                "display_name": "Borui Zhao",
                "orcid": "https://orcid.org/0000-0002-1825-0097",
            },
            "raw_author_name": "Borui Zhao",
        },
        {"author_position": "last", "author": {"id": None}, "raw_author_name": "Jiajun Liang"},
    ],
    "cited_by_count": 412,
    "is_retracted": False,
    "primary_topic": {"id": "https://openalex.org/T10036", "display_name": "Vision", "score": 0.99},
    "topics": [
        {"id": "https://openalex.org/T10036", "display_name": "Vision", "score": 0.99},
        {"id": "https://openalex.org/T11307", "display_name": "Adaptation", "score": 0.31},
        {"id": "https://openalex.org/T99999", "display_name": "Hardly", "score": 0.29},
    ],
    "referenced_works": ["https://openalex.org/W1821462560", "https://openalex.org/W2739879705"],
    "abstract_inverted_index": {"distillation": [1, 4], "Logit": [0], "and": [2], "feature": [3]},
}

CROSSREF: dict[str, Any] = {
    "DOI": "10.1109/CVPR52688.2022.01165",
    "type": "proceedings-article",
    "title": ["Decoupled Knowledge Distillation"],
    "container-title": ["2022 IEEE/CVF Conference"],
    "author": [
        {"given": "Borui", "family": "Zhao", "ORCID": "http://orcid.org/0000-0002-1825-0097"},
        {"name": "A Consortium", "sequence": "additional"},
    ],
    "issued": {"date-parts": [[2022, 6]]},
    "is-referenced-by-count": 300,
    "reference": [{"key": "r1", "DOI": "10.1109/cvpr.2016.90"}, {"key": "r2", "unstructured": "X"}],
    "abstract": "<jats:title>Abstract</jats:title><jats:p>We split &amp; weigh.</jats:p>",
    "URL": "http://dx.doi.org/10.1109/CVPR52688.2022.01165",
}

SCHOLAR: dict[str, Any] = {
    "paperId": "1d3b2b4c5d6e7f8091a2b3c4d5e6f708192a3b4c",
    "corpusId": 247476179,
    "externalIds": {"ArXiv": "2203.08679", "DOI": "10.1109/CVPR52688.2022.01165"},
    "title": "Decoupled Knowledge Distillation",
    "year": 2022,
    "venue": "Computer Vision and Pattern Recognition",
    "citationCount": 401,
    "publicationTypes": ["Conference"],
    "s2FieldsOfStudy": [
        {"category": "Computer Science", "source": "external"},
        {"category": "Computer Science", "source": "s2-fos-model"},
    ],
    "authors": [{"authorId": "2117", "name": "Borui Zhao"}, {"authorId": None, "name": "Q. Cui"}],
    "references": [{"paperId": "f" * 40, "title": "Distilling the Knowledge", "year": 2015}],
    "citations": [{"paperId": "e" * 40, "title": "After it", "year": 2023, "authors": []}],
}

BIBTEX = r"""% Encoding: UTF-8
@comment{jabref-meta: databaseType:bibtex;}
@string{cvpr = {Computer Vision and Pattern Recognition}}

@inproceedings{zhao2022,
  title     = {{Decoupled} Knowledge Distillation: 5% better, {\'e}tude \& more},
  author    = {Zhao, Borui and M{\"u}ller, Jos{\'e} and {The MEGVII Group} and others},
  booktitle = cvpr,
  year      = 2022,
  doi       = {10.1109/CVPR52688.2022.01165},
  eprint    = {2203.08679},
  url       = {https://example.org/~x/a%20b_c?d=1&e=2},
  keywords  = {distillation; logits}
}
"""

WORKS_CSV = """title,authors,year,doi,topics,references
Decoupled Knowledge Distillation,Borui Zhao; Jiajun Liang,2022,10.1109/CVPR52688.2022.01165,\
distillation,arxiv:1503.02531
"""

LINKS_CSV = """source_kind,source,link,target_kind,target,weight
person,Borui Zhao,authorship,work,arxiv:2203.08679,
work,arxiv:2203.08679,topic_signal,topic,Distillation,0.5
"""


def took(path: Path) -> tuple[list[Claim], Report]:
    """Return what a file claims, and the report of it."""
    report = Report()
    return list(singly(read(path, report))), report


def taken(folder: Path, content: object, name: str = "file") -> tuple[list[Claim], Report]:
    """Return what a file of this content claims; what is neither text nor bytes is JSON of it."""
    if not isinstance(content, (str, bytes)):
        content = json.dumps(content)
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return took(path)


def nodes(claims: list[Claim], kind: str) -> list[NodeClaim]:
    return [each for each in claims if isinstance(each, NodeClaim) and each.kind == kind]


def links(claims: list[Claim], kind: str) -> list[LinkClaim]:
    return [each for each in claims if isinstance(each, LinkClaim) and each.kind == kind]
