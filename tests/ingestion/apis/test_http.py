"""The shared HTTP client over real sockets; nothing sleeps."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest

from ingestion.connector import SourceError
from ingestion.http import ATTEMPTS, Client, RefusedError
from tests.ingestion.loopback import Naps, Reply, Serve, reply


def test_retry_after_is_waited_for_to_the_second(serve: Serve) -> None:
    naps, server = Naps(), serve([reply({}, 429, Retry_After="7"), reply({"a": 1})])
    assert naps.client().json("GET", server.url) == {"a": 1}
    assert naps.taken == [7.0]


def test_retry_after_may_be_a_date_by_the_servers_own_clock(serve: Serve) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    naps, server = Naps(), serve([reply({}, 503, Retry_After=until), reply(1)])
    assert naps.client().json("GET", server.url) == 1
    assert naps.taken == [pytest.approx(90, abs=5)]


def test_a_wait_beyond_a_runs_patience_is_an_error_that_names_it(serve: Serve) -> None:
    naps, server = Naps(), serve([reply({}, 429, Retry_After="7200")])
    with pytest.raises(SourceError, match="asks to wait 7200 seconds"):
        naps.client().json("GET", server.url)
    assert naps.taken == []


def test_throttled_without_retry_after_waits_as_the_announced_rate_says(serve: Serve) -> None:
    naps, server = Naps(), serve([reply({}, 429, x_amzn_RateLimit_Limit="0.0056"), reply(1)])
    naps.client().json("GET", server.url)
    assert naps.taken == [pytest.approx(1 / 0.0056)]


def test_throttled_without_any_word_backs_off_ever_longer(serve: Serve) -> None:
    naps, server = Naps(), serve([*[reply({}, 429)] * 4, reply(1)])
    naps.client().json("GET", server.url)
    assert naps.taken == [0.5, 1.0, 2.0, 4.0]


def test_the_announced_rate_is_kept_before_the_platform_has_to_say_so(serve: Serve) -> None:
    naps, server = Naps(), serve(lambda _: reply(1, x_amzn_RateLimit_Limit="0.5"))
    client = naps.client()
    for _ in range(22):
        client.json("GET", server.url)
    assert naps.taken == [2.0, 2.0]


def test_a_platform_that_stays_away_is_named_without_its_query(serve: Serve) -> None:
    naps, server = Naps(), serve(lambda _: reply({}, 503))
    with pytest.raises(SourceError, match=r"source: 127.0.0.1/orders did not answer .* \(HTTP 503\)") as told:
        naps.client().json("GET", f"{server.url}/orders", params={"token": "hidden"})
    assert "hidden" not in str(told.value)
    assert len(server.asked) == ATTEMPTS


def test_an_answer_cut_on_its_way_is_asked_for_again_and_never_taken_for_the_whole(serve: Serve) -> None:
    server = serve(
        [Reply(200, b'{"rows": [1', claimed=40), Reply(200, b'{"rows": [1'), Reply(200, b'{"rows": [1, 2]}')]
    )
    assert Naps().client().json("GET", server.url) == {"rows": [1, 2]}


def test_a_lost_connection_is_made_again(serve: Serve) -> None:
    server = serve(lambda _: reply(1))
    gone = server.url
    server.stop()
    naps = Naps()
    with pytest.raises(SourceError, match="ConnectionError"):
        naps.client().json("GET", gone)
    assert len(naps.taken) == ATTEMPTS - 1


def test_a_refusal_names_the_platforms_code_and_quotes_nothing_else(serve: Serve) -> None:
    body = {"errors": [{"code": "InvalidInput", "message": "buyer@example.com is no order"}]}
    server = serve([reply(body, 400)])
    with pytest.raises(RefusedError, match=r"refused the request \(HTTP 400, InvalidInput\)$"):
        Client("source").json("GET", server.url)


def test_ids_beyond_2_to_the_53_and_amounts_stay_exact(serve: Serve) -> None:
    server = serve([Reply(200, b'{"id": 9007199254740993, "amount": 0.1234567890123456789}')])
    answer = Client("source").json("GET", server.url)
    assert answer == {"id": 9007199254740993, "amount": Decimal("0.1234567890123456789")}


def test_a_documents_own_gzip_survives_a_server_that_calls_it_a_transfer_encoding(serve: Serve) -> None:
    packed = gzip.compress(b"whole")
    server = serve([Reply(200, packed, {"Content-Encoding": "gzip", "Content-Type": "text/plain;charset=Cp1252"})])
    found = Client("source").document(lambda: (server.url, True), "report 1")
    assert (found.received, found.content, found.charset) == (packed, b"whole", "Cp1252")


def test_a_truncated_gzip_is_an_error_and_not_a_short_file(serve: Serve) -> None:
    cut = gzip.compress(b"a line\n" * 1000)[:-12]
    server = serve(lambda _: Reply(200, cut))
    with pytest.raises(SourceError, match="source: report 1 is truncated; the next run asks again"):
        Client("source").document(lambda: (server.url, True), "report 1")
    assert len(server.asked) == 2
