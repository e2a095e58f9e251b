"""The literature that comes with the toolkit: the papers of its methods, and the reference case.

Methods are read from their files, not imported: that would load torch.
"""

import ast
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

from tutelage.graph.model import Claim, LinkClaim, NodeClaim
from tutelage.graph.store import Origin
from tutelage.paper import Paper

METHODS = "tutelage.methods"  # the package, and the group of entry points of other packages

TOPICS: Mapping[str, str] = {
    "labels": "Learning from labels",
    "logit": "Logit distillation",
    "feature": "Feature distillation",
    "relation": "Relational distillation",
    "contrast": "Contrastive distillation",
    "teacher-free": "Self-distillation",
}
"""The topic of a paper, by the kind of its method."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MethodFacts:
    """What the file of a method says of it; the fields are those of `tutelage.methods.Method`."""

    name: str
    label: str  # as its file's docstring spells it, else the name
    summary: str  # first line of the class's docstring
    kind: str
    paper: Paper | None
    builds_on: tuple[str, ...]


def shipped_claims() -> dict[Origin, list[Claim]]:
    """Return what the toolkit itself claims: the reference case, and its methods' papers.

    >>> [origin.key for origin in shipped_claims()]
    ['shipped:dkd', 'shipped:methods']
    """
    reference = Origin(key="shipped:dkd", label="Decoupled Knowledge Distillation")
    return {
        reference: list(_shipped("dkd.json")),
        Origin(key="shipped:methods", label="Methods of the toolkit"): list(_method_claims()),
    }


@cache
def known_methods() -> Mapping[str, MethodFacts]:
    """Return the methods of the toolkit and of packages that offer some, by name.

    A file of another package that is not found or is no Python is passed over with a warning.
    """
    modules = [METHODS, *sorted({entry.module for entry in entry_points(group=METHODS)})]
    classes: dict[str, ast.ClassDef] = {}  # of all files, since one may inherit from another
    found: list[tuple[ast.Module, ast.ClassDef]] = []
    for module in modules:
        for path in _source_files(module):
            try:
                tree = ast.parse(path.read_bytes(), str(path))
            except SyntaxError as error:
                warnings.warn(f"passed over the methods of {path}: {error}", stacklevel=2)
                continue
            own = [node for node in tree.body if isinstance(node, ast.ClassDef)]
            classes |= {node.name: node for node in own}
            found += [(tree, node) for node in own]
    methods = {
        name: _facts(name, tree, node, classes)
        for tree, node in found
        for keyword in node.keywords
        if keyword.arg == "name" and isinstance(name := _plain(keyword.value), str)
    }
    return dict(sorted(methods.items()))


def _shipped(name: str) -> Iterator[Claim]:
    """Read a file of `tutelage.graph.shipped`: nodes and links, their fields those of claims."""
    told = json.loads((files("tutelage.graph") / "shipped" / name).read_text(encoding="utf-8"))
    for node in told["nodes"]:
        yield NodeClaim(**{**node, "ids": tuple(node["ids"])})
    for link in told["links"]:
        yield LinkClaim(**link)


def _method_claims() -> Iterator[Claim]:
    methods = known_methods()
    papers: dict[Paper, dict[str, None]] = {}  # to the kinds of their methods, each once
    for method in methods.values():
        yield method_claim(method.name)
        if method.paper:
            kinds = papers.setdefault(method.paper, {})
            kinds |= {method.kind: None} if method.kind in TOPICS else {}
    for kind, count in Counter(chain.from_iterable(papers.values())).items():
        facts = {"works_count": count, "works_count_source": "papers of the toolkit's methods"}
        yield NodeClaim(kind="topic", ids=(_topic(kind),), label=TOPICS[kind], facts=facts)
    for author in dict.fromkeys(chain.from_iterable(paper.authors for paper in papers)):
        yield NodeClaim(kind="person", ids=(_person(author),), label=author)
    for paper, kinds in papers.items():
        yield from _paper_claims(paper, kinds)
    for name, method in methods.items():
        if method.paper:
            yield LinkClaim(
                kind="describes", source=_work(method.paper)[0], target=f"method:{name}"
            )
        for other in filter(methods.__contains__, method.builds_on):
            yield LinkClaim(kind="builds_on", source=f"method:{name}", target=f"method:{other}")


def method_claim(name: str) -> NodeClaim:
    """Claim the method of a name; of one that no file here defines, the name is all there is."""
    method = known_methods().get(name)
    if method is None:
        return NodeClaim(kind="method", ids=(f"method:{name}",), label=name, facts={"name": name})
    return NodeClaim(
        kind="method",
        ids=(f"method:{name}",),
        label=method.label,
        facts={"name": name, "kind": method.kind, "summary": method.summary},
    )


def _paper_claims(paper: Paper, kinds: Iterable[str]) -> Iterator[Claim]:
    ids = _work(paper)
    told = {"venue": paper.venue, "url": paper.url, "doi": paper.doi.lower(), "arxiv": paper.arxiv}
    facts = {name: value for name, value in told.items() if value}
    published = "article" if paper.journal else "conference paper"
    facts["type"] = published if paper.venue else "preprint"
    yield NodeClaim(kind="work", ids=ids, label=paper.title, year=paper.year, facts=facts)
    for place, author in enumerate(paper.authors, start=1):
        yield LinkClaim(
            kind="authorship",
            source=_person(author),
            target=ids[0],
            facts={"position": place, "authors": len(paper.authors)},
        )
    for kind in kinds:
        yield LinkClaim(kind="topic_signal", source=ids[0], target=_topic(kind))


def _work(paper: Paper) -> tuple[str, ...]:
    named = {"doi": paper.doi.lower(), "arxiv": paper.arxiv}
    ids = tuple(f"{namespace}:{value}" for namespace, value in named.items() if value)
    return ids or (f"title:{paper.title.casefold()}",)


def _person(name: str) -> str:
    return f"name:{name.casefold()}"


def _topic(kind: str) -> str:
    return f"topic:{TOPICS[kind].casefold()}"


# ------------------------------------------------------------------ reading a method's file
def _source_files(module: str) -> list[Path]:
    """Return the file of a module, or all of a package, without importing either."""
    first, *rest = module.split(".")
    spec = find_spec(first)
    roots = [Path(root) for root in (spec and spec.submodule_search_locations) or ()]
    if spec and not rest and not roots:
        return [Path(spec.origin)] if spec.origin else []
    for root in roots:
        place = root.joinpath(*rest)
        if (place / "__init__.py").is_file():
            return sorted(place.glob("*.py"))
        if place.with_suffix(".py").is_file():
            return [place.with_suffix(".py")]
    warnings.warn(f"passed over the methods of {module}: its file is not found", stacklevel=3)
    return []


def _facts(
    name: str, tree: ast.Module, node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]
) -> MethodFacts:
    title = (ast.get_docstring(tree) or "").partition(":")[0]
    summary = (ast.get_docstring(node) or "").partition("\n")[0]
    same = "".join(filter(str.isalnum, title)).casefold() == name.replace("_", "")
    return MethodFacts(
        name=name,
        label=title if same else name,
        summary=summary,
        kind=_attribute("kind", node, classes),
        paper=_attribute("paper", node, classes),
        builds_on=_attribute("builds_on", node, classes) or (),
    )


def _attribute(name: str, node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Any:
    """Return what a class, or the first of its bases that does, says in plain values; else None."""
    for statement in node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                return _plain(value)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if (
                target == name
            ):
                return _plain(value)
    for base in node.bases:
        parent = classes.get(ast.unparse(base).rpartition(".")[2])
        if parent and (told := _attribute(name, parent, classes)) is not None:
            return told
    return None


def _plain(value: ast.expr) -> Any:
    """Return a plain value, or a `Paper` of plain values; None for all that must be run."""
    try:
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "Paper":
            return Paper(**{str(word.arg): ast.literal_eval(word.value) for word in value.keywords})
        return ast.literal_eval(value)
    except (TypeError, ValueError):
        return None
