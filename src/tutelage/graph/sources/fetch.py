"""A work from OpenAlex by its DOI, arXiv id or title, where there is a network.

The key, which OpenAlex gives for nothing, is in the environment as ``OPENALEX_API_KEY``, and an
address that it may write to as ``OPENALEX_MAILTO``. Neither is kept, printed or told in an error.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from tutelage.errors import GraphError
from tutelage.graph.identity import arxiv_id, doi_id, fold, openalex_id
from tutelage.graph.sources._reading import MOST_LINE, record, records
from tutelage.graph.text import plain

API = "https://api.openalex.org"
TRIES = 5
LONGEST_WAIT = 60.0  # seconds, whatever the server asks for


def fetch(
    wanted: str, *, api: str = API, sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """Return the record of a work as OpenAlex has it, which `tutelage.graph.sources` reads.

    Args:
        wanted: A DOI, an arXiv id, an OpenAlex id, or a title.
        api: Where OpenAlex answers.
        sleep: What waits, in seconds, when it answers that there were too many questions.

    Raises:
        GraphError: it has no such work, or cannot be asked; of a title that nothing has in these
            words, the nearest are told.
    """
    if name := openalex_id(wanted, "W"):
        return _ask(f"{api}/works/{name.removeprefix('openalex:')}", {}, wanted, sleep)
    if name := doi_id(wanted) or arxiv_id(wanted):
        name = name.replace("arxiv:", "doi:10.48550/arxiv.")
        return _ask(f"{api}/works/{quote(name, safe=':/()')}", {}, wanted, sleep)
    words = fold(wanted)
    if not words:
        raise GraphError(f"what to fetch is a DOI, an arXiv id or a title, not {wanted!r}.")
    asked = {"filter": f"title.search:{words}", "per_page": "10"}
    found = records(_ask(f"{api}/works", asked, wanted, sleep).get("results"))
    titles = [plain(each.get("display_name"), 200) for each in found]
    for work, title in zip(found, titles, strict=True):
        if fold(title) == words:
            return work
    near = f" It has {'; '.join(titles[:3])}." if titles else ""
    raise GraphError(f"OpenAlex has no work of the title {wanted!r}.{near} Fetch it by its DOI.")


def _ask(
    url: str, parameters: Mapping[str, str], wanted: str, sleep: Callable[[float], None]
) -> dict[str, Any]:
    import httpx

    own = {
        "api_key": os.environ.get("OPENALEX_API_KEY"),
        "mailto": os.environ.get("OPENALEX_MAILTO"),
    }
    query = {**parameters, **{name: value for name, value in own.items() if value}}
    wait = 1.0
    for _ in range(TRIES):
        try:
            with httpx.stream(
                "GET", url, params=query, timeout=30, follow_redirects=True
            ) as answer:  # works that were merged are elsewhere
                status, told = answer.status_code, answer.headers.get("retry-after", "")
                content = _read(answer.iter_bytes())
        except httpx.HTTPError as error:  # whose text may hold the address, and that the key
            raise GraphError(
                f"OpenAlex cannot be reached ({type(error).__name__}). Is there a network?"
            ) from None
        if status != 429:
            break
        sleep(min(float(told) if told.isdecimal() else wait, LONGEST_WAIT))
        wait *= 2
    if status == 404:
        raise GraphError(f"OpenAlex has no work {wanted!r}.")
    if status != 200:
        more = {
            401: " Set OPENALEX_API_KEY to a key of yours: openalex.org gives one.",
            403: " Is the key in OPENALEX_API_KEY right?",
            429: " Wait a while, or set OPENALEX_API_KEY to a key of yours.",
        }.get(status, "")
        raise GraphError(f"OpenAlex answers {status} when asked for {wanted!r}.{more}")
    try:
        return record(json.loads(content))
    except (ValueError, RecursionError):
        raise GraphError("OpenAlex's answer is no JSON; try again later.") from None


def _read(blocks: Any) -> bytes:
    content = bytearray()
    for block in blocks:
        content += block
        if len(content) > MOST_LINE:
            raise GraphError(f"OpenAlex's answer is longer than {MOST_LINE >> 20} MiB.")
    return bytes(content)
