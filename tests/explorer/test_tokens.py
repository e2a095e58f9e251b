"""A start token lets one browser in, once, whichever worker is asked."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tutelage.explorer.safety import HEADERS
from tutelage.explorer.tokens import issue, new_secret, redeem


def test_a_token_is_good_once(tmp_path: Path) -> None:
    token = issue(tmp_path)
    assert redeem(token, tickets=tmp_path)
    assert not redeem(token, tickets=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_of_many_who_redeem_a_token_at_once_one_succeeds(tmp_path: Path) -> None:
    token = issue(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        let_in = list(pool.map(lambda _: redeem(token, tickets=tmp_path), range(64)))
    assert sum(let_in) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_what_redeems_a_token_is_the_users_alone_and_does_not_tell_it(tmp_path: Path) -> None:
    token = issue(tmp_path)
    (ticket,) = tmp_path.iterdir()
    assert ticket.stat().st_mode & 0o077 == 0
    assert token not in ticket.name + ticket.read_text()


@pytest.mark.parametrize("token", ["", "..", "../outside", "a\0b", "\u00e9", "x" * 5000])
def test_a_token_that_was_not_issued_lets_nobody_in(tmp_path: Path, token: str) -> None:
    folder = tmp_path / "tickets"
    folder.mkdir()
    (tmp_path / "outside").touch()
    assert not redeem(token, tickets=folder)
    assert (tmp_path / "outside").exists()


def test_a_token_that_was_chosen_stays_good(tmp_path: Path) -> None:
    chosen = "a token of the user's own"
    assert redeem(chosen, tickets=tmp_path, standing=chosen)
    assert redeem(chosen, tickets=tmp_path, standing=chosen)
    assert not redeem("", tickets=tmp_path, standing="")


def test_a_secret_has_256_bits_and_no_other_is_like_it() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {43}  # of 6 bits each


def test_a_browser_with_a_token_is_let_in_and_the_token_leaves_the_address(server: Any) -> None:
    token = issue(server.settings.tickets)
    answer = server.ask("GET", "/start", f"token={token}", cookie="")
    assert answer.status == 303
    assert answer.header("location") == "/?at=arxiv:2203.08679&within=shipped:dkd"
    cookie = answer.header("set-cookie")
    assert cookie.startswith(f"tutelage_8765={server.settings.session};")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert {name: answer.header(name.lower()) for name in HEADERS} == HEADERS
    again = server.ask("GET", "/start", f"token={token}", cookie="")
    assert (again.status, again.header("set-cookie")) == (403, "")
    assert b"used already" in again.content


def test_a_browser_that_is_in_spends_no_token(server: Any) -> None:
    token = issue(server.settings.tickets)
    assert server.ask("GET", "/start", f"token={token}").status == 303
    assert server.ask("GET", "/start", f"token={token}", cookie="").status == 303


def test_a_glance_at_the_start_address_spends_no_token(server: Any) -> None:
    token = issue(server.settings.tickets)
    for method, headers in (
        ("HEAD", {}),
        ("GET", {"host": "evil.example"}),
        ("GET", {"sec_fetch_site": "cross-site"}),
        ("POST", {}),
    ):
        assert server.ask(method, "/start", f"token={token}", cookie="", **headers).status >= 400
    assert redeem(token, tickets=server.settings.tickets)


def test_a_person_without_a_cookie_is_told_what_to_do_on_a_page(server: Any) -> None:
    answer = server.ask("GET", "/", cookie="")
    assert (answer.status, answer.header("content-type")) == (403, "text/html; charset=utf-8")
    assert b"Open the address that `tutelage explore` printed" in answer.content
