"""One HTTP server on loopback for the whole simulated world, routed by path."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.platforms import ads, control, fx, lwa, mabang, reports, selling_partner, slack
from sandbox.platforms.state import State
from sandbox.platforms.wire import Answer, Ask, reply

Route = Callable[[State, Ask], Answer]
ROUTES: tuple[tuple[str, Route], ...] = (
    ("/lwa/", lwa.token),
    ("/sp/", selling_partner.route),
    ("/ads/", ads.route),
    ("/documents/", reports.document),
    ("/mabang/", mabang.route),
    ("/fx/", fx.rates),
    ("/slack/", slack.route),
    ("/_control/", control.route),
)


def dispatch(state: State, ask: Ask) -> Answer:
    """Answers one request; a planted `status` fault comes before the platform, `truncate` after it."""
    fault = state.take_fault(ask.path, {"status"})
    if fault is not None:
        return reply(
            {"errors": [{"code": "PlantedFault", "message": "planted"}]}, fault.status, Retry_After=fault.retry_after
        )
    route = next((route for prefix, route in ROUTES if ask.path.startswith(prefix)), None)
    answer = route(state, ask) if route else reply({"error": f"no such path: {ask.path}"}, 404)
    if state.take_fault(ask.path, {"truncate"}) is not None:
        return Answer(answer.status, answer.body[: len(answer.body) // 2], answer.headers)
    return answer


def _handler(state: State) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            query: dict[str, str] = {}
            for name, value in parse_qsl(parts.query, keep_blank_values=True):
                query[name] = f"{query[name]},{value}" if name in query else value
            length = int(self.headers.get("Content-Length") or 0)
            ask = Ask(
                self.command,
                parts.path,
                query,
                {k.lower(): v for k, v in self.headers.items()},
                self.rfile.read(length),
            )
            if state.take_fault(ask.path, {"reset"}) is not None:
                self._drop()
                return
            answer = dispatch(state, ask)
            if not ask.path.startswith("/_control/"):
                state.log.append({"method": ask.method, "path": ask.path, "query": query, "status": answer.status})
            if state.take_fault(ask.path, {"reset_after"}) is not None:
                self._drop()
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def _drop(self) -> None:
            self.close_connection = True
            self.connection.close()

        do_GET = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: the request log is at /_control/log."""

    return Handler


class SandboxServer:
    """Serves a world on a loopback port (0: the OS chooses); a context manager that stops what it started."""

    def __init__(self, state: State, port: int = 0) -> None:
        self.state = state
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _handler(state))
        self._http.daemon_threads = True
        self.port = int(self._http.server_address[1])
        self.url = state.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        control.on_shutdown(state, self.stop_soon)

    def start(self) -> SandboxServer:
        """Begins to serve in a thread."""
        self._thread.start()
        return self

    def stop_soon(self) -> None:
        """Ends serving without waiting, as a request must that asks for it."""
        threading.Thread(target=self._http.shutdown, daemon=True).start()

    def stop(self) -> None:
        """Ends serving and frees the port."""
        self._http.shutdown()
        self._http.server_close()

    def wait(self) -> None:
        """Blocks until serving has ended."""
        self._thread.join()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()
