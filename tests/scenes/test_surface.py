"""What the front door answers itself: paths, methods, keys, bodies that cannot be read, models, identifiers."""

from __future__ import annotations

import json

import pytest

from tests.scenes.conftest import MakeScene
from tests.support.scene import Scene
from tests.support.scene_answers import error, only, own, read_answer
from tests.support.scene_config import KEY, chat, get, post, snapshot

REQUEST = "invalid_request_error"
MISSING = "No API key was given. Send it as 'Authorization: Bearer YOUR_KEY'."
UNKNOWN = "The API key is not known here. Check that the client uses a key of this gateway."
BEARER = "WWW-Authenticate: Bearer\r\n"
TOKEN = 'WWW-Authenticate: Bearer error="invalid_token"\r\n'
PATH = "/v1/chat/completions"
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def refusal(
    status: str, message: str, code: str, type: str = REQUEST, param: str | None = None, more: str = ""
) -> bytes:
    return own(status, error(message, type, code, param, "req_1"), "req_1", more)


ANSWERS: dict[str, tuple[bytes, bytes]] = {
    "unknown path": (
        get("/v2/nothing?key=secret"),
        refusal("404 Not Found", "There is nothing at /v2/nothing.", "unknown_url"),
    ),
    "wrong method": (
        get(PATH, method="DELETE"),
        refusal(
            "405 Method Not Allowed",
            "DELETE is not served here; POST, OPTIONS are.",
            "method_not_allowed",
            more="Allow: POST, OPTIONS\r\n",
        ),
    ),
    "POST to the models": (
        post(b"{}", "/v1/models"),
        refusal(
            "405 Method Not Allowed",
            "POST is not served here; GET, HEAD, OPTIONS are.",
            "method_not_allowed",
            more="Allow: GET, HEAD, OPTIONS\r\n",
        ),
    ),
    "no key": (
        post(chat(), key=""),
        refusal("401 Unauthorized", MISSING, "invalid_api_key", "authentication_error", more=BEARER),
    ),
    "another scheme": (
        post(chat(), key="", headers="Authorization: Basic YTpi\r\n"),
        refusal("401 Unauthorized", MISSING, "invalid_api_key", "authentication_error", more=BEARER),
    ),
    "unknown key": (
        post(chat(), key="sg-guess"),
        refusal("401 Unauthorized", UNKNOWN, "invalid_api_key", "authentication_error", more=TOKEN),
    ),
    "key from elsewhere": (
        post(chat(), key="sg-office-key"),
        refusal(
            "403 Forbidden",
            "The API key 'office' may not be used from 192.0.2.1.",
            "address_not_allowed",
            "permission_error",
        ),
    ),
    "compressed body": (
        post(b"\x1f\x8b", headers="Content-Encoding: gzip\r\n"),
        refusal(
            "415 Unsupported Media Type",
            "Send the body without Content-Encoding: the gateway reads what it forwards.",
            "unsupported_content_encoding",
        ),
    ),
    "duplicate key": (
        post(b'{"model":"flash","model":"other","messages":[]}'),
        refusal(
            "400 Bad Request",
            'The key "model" occurs twice in one object of the request body.',
            "duplicate_key",
            param="model",
        ),
    ),
    "duplicate key far inside": (
        post(b'{"model":"flash","messages":[{"role":"user","x":{"a":1,"\\u0061":2}}]}'),
        refusal(
            "400 Bad Request",
            'The key "a" occurs twice in one object of the request body.',
            "duplicate_key",
            param="a",
        ),
    ),
    "empty body": (
        post(b""),
        refusal(
            "400 Bad Request",
            "The request body is empty; a JSON object was expected.",
            "invalid_json",
            param="$",
        ),
    ),
    "unknown model": (
        post(chat("flush")),
        refusal(
            "404 Not Found",
            "The model 'flush' is not served here. Did you mean 'flash'?",
            "model_not_found",
            param="model",
        ),
    ),
    "unknown model, nothing near": (
        post(chat("gpt-oss-120b")),
        refusal(
            "404 Not Found",
            "The model 'gpt-oss-120b' is not served here. GET /v1/models lists what is.",
            "model_not_found",
            param="model",
        ),
    ),
    "model of another route": (
        post(chat("alias"), "/api/v1/deepseek/chat/completions"),
        refusal(
            "404 Not Found",
            "The model 'alias' is not served here. Did you mean 'flash'?",
            "model_not_found",
            param="model",
        ),
    ),
    "use that no deployment has": (
        post(b'{"model":"flash","input":"a"}', "/v1/embeddings"),
        refusal(
            "400 Bad Request",
            "The model 'flash' has no deployment that serves /embeddings.",
            "unsupported_capability",
            param="model",
        ),
    ),
    "beta that no deployment has": (
        post(chat("asks"), "/beta/chat/completions"),
        refusal(
            "400 Bad Request",
            "The model 'asks' has no deployment that serves /beta/chat/completions.",
            "unsupported_capability",
            param="model",
        ),
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_refusals_keep_the_connection(case: str, every: Scene) -> None:
    request, expected = ANSWERS[case]
    client = every.client()
    client.sends(request + (get() if every.delivery == "with trailing data" else b""))
    data = client.received()
    assert data.startswith(expected)
    if every.delivery == "with trailing data":
        assert only(data[len(expected) :]).status == 200
    else:
        assert data == expected
    assert client.state == "open"
    assert not every.network.tried
    assert every.records[0].outcome == "refused"
    assert every.records[0].error_source == "client"


LIST = [
    {"id": name, "object": "model", "created": created, "owned_by": "seekgate"}
    for name, created in [("flash", 1_700_000_000), ("alias", 0), ("asks", 0), ("priced", 0), ("vectors", 0)]
]


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize("path", ["/models", "/v1/models", "/beta/models", "/v1/models?limit=20"])
def test_the_list_of_models(path: str, every: Scene) -> None:
    client = every.client()
    client.sends(get(path))
    assert client.received() == own("200 OK", compact({"object": "list", "data": LIST}), "req_1")
    client.sends(get(path, method="HEAD"))
    head = own("200 OK", compact({"object": "list", "data": LIST}), "req_2").partition(b"\r\n\r\n")[0]
    assert client.received() == head + b"\r\n\r\n"


def test_a_route_lists_its_own_models(scene: Scene) -> None:
    client = scene.client()
    client.sends(get("/api/v1/deepseek/models"))
    assert client.received() == own("200 OK", compact({"object": "list", "data": LIST[:1]}), "req_1")


def test_one_model(scene: Scene) -> None:
    client = scene.client()
    client.sends(get("/v1/models/flash"))
    assert client.received() == own("200 OK", compact(LIST[0]), "req_1")
    client.sends(get("/v1/models/none"))
    assert only(client.received()).error["code"] == "model_not_found"
    client.sends(get("/api/v1/deepseek/models/alias"))
    assert only(client.received()).status == 404
    client.sends(get("/v1/models", key=""))
    assert only(client.received()).status == 401


@pytest.mark.parametrize(
    ("target", "allow"),
    [(PATH, "POST, OPTIONS"), ("/v1/models", "GET, HEAD, OPTIONS"), ("*", "GET, HEAD, POST, OPTIONS")],
)
def test_options(target: str, allow: str, every: Scene) -> None:
    client = every.client()
    client.sends(get(target, method="OPTIONS", key=""))
    assert client.received() == (
        f"HTTP/1.1 204 No Content\r\nX-Request-Id: req_1\r\nAllow: {allow}\r\n\r\n".encode()
    )
    assert client.state == "open"


def test_the_answer_to_head_has_no_body(every: Scene) -> None:
    client = every.client()
    client.sends(get("/nothing", method="HEAD") + get("/v1/models"))
    answer, rest = read_answer(client.received(), "HEAD")
    assert answer.status == 404
    assert answer.header("content-length") != "0"
    assert only(rest).status == 200


@pytest.mark.parametrize(
    ("path", "upstream_path"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions?api-version=1", "/v1/chat/completions"),
        ("/beta/chat/completions", "/beta/chat/completions"),
        ("/api/v1/deepseek/chat/completions", "/v1/chat/completions"),
        ("/api/v1/deepseek/v1/chat/completions", "/v1/chat/completions"),
        ("/completions", "/beta/completions"),
        ("/v1/completions", "/beta/completions"),
    ],
)
def test_paths_and_what_the_upstream_is_asked(path: str, upstream_path: str, every: Scene) -> None:
    client = every.client()
    client.sends(post(chat(), path))
    upstream = every.upstream()
    assert upstream.name == "198.51.100.1:80"
    assert upstream.received().startswith(f"POST {upstream_path} HTTP/1.1\r\n".encode())
    upstream.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert only(client.received()).body == b"{}"


def test_embeddings(every: Scene) -> None:
    client = every.client()
    body = '{"model":"vectors","input":["问题"], "dimensions":8.0}'.encode()
    client.sends(post(body, "/v1/embeddings"))
    upstream = every.upstream()
    head, _, sent = upstream.received().partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/embeddings HTTP/1.1\r\n")
    assert sent == body
    upstream.sends(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert only(client.received()).body == b"{}"


@pytest.mark.parametrize(
    "header", ["x-api-key: ", "X-API-KEY: ", "authorization: bearer  ", "Authorization: BEARER "]
)
def test_where_a_key_may_stand(header: str, scene: Scene) -> None:
    client = scene.client()
    client.sends(get("/v1/models", headers=f"{header}{KEY}\r\n", key=""))
    assert only(client.received()).status == 200


def test_the_request_that_an_upstream_gets(every: Scene) -> None:
    client = every.client()
    headers = (
        f"X-Request-Id: my-request.1\r\ntraceparent: {TRACE}\r\ntracestate: a=b\r\nAccept: text/event-stream\r\n"
        "Cookie: secret=1\r\nX-Forwarded-For: 10.0.0.1\r\nUser-Agent: sdk\r\nProxy-Authorization: Basic x\r\n"
        "OpenAI-Organization: org\r\nTE: trailers\r\nConnection: keep-alive, X-Odd\r\nX-Odd: 1\r\n"
    )
    client.sends(post(chat(), headers=headers))
    head, _, body = every.upstream().received().partition(b"\r\n\r\n")
    assert body == chat()
    first, *lines = head.decode().split("\r\n")
    assert first == "POST /v1/chat/completions HTTP/1.1"
    version = next(line for line in lines if line.startswith("User-Agent: seekgate/"))
    assert sorted(lines) == sorted(
        [
            "Host: 198.51.100.1",
            "Content-Type: application/json",
            "Accept-Encoding: identity",
            version,
            "Authorization: Bearer sk-cloud-secret",
            "Accept: text/event-stream".replace("Accept", "accept"),
            f"traceparent: {TRACE}",
            "tracestate: a=b",
            "X-Request-Id: my-request.1",
            f"Content-Length: {len(body)}",
        ]
    )


def test_identifiers_come_back(every: Scene) -> None:
    client = every.client()
    client.sends(post(chat(), headers=f"X-Request-Id: my-request.1\r\ntraceparent: {TRACE}\r\n"))
    every.upstream().sends(
        b"HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\ntraceparent: theirs\r\nContent-Length: 2\r\n\r\n{}"
    )
    answer = only(client.received())
    assert answer.header("x-request-id") == "my-request.1"
    assert answer.header("traceparent") == TRACE
    assert (every.record.id, every.record.traceparent) == ("my-request.1", TRACE)
    client.sends(get("/nothing", headers="X-Request-Id: my-request.2\r\n"))
    answer = only(client.received())
    assert answer.header("x-request-id") == "my-request.2"
    assert answer.error["request_id"] == "my-request.2"


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "a" * 129, "ä", "a\tb", "<script>"])
def test_a_request_id_that_is_none(given: str, scene: Scene) -> None:
    client = scene.client()
    client.sends(get("/nothing", headers=f"X-Request-Id: {given}\r\n"))
    assert only(client.received()).header("x-request-id") == "req_1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9, 192.0.2.7", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9,192.0.2.7 ,192.0.2.8", "203.0.113.9"),
        ("192.0.2.1", "192.0.2.5, 192.0.2.6", "192.0.2.5"),
        ("192.0.2.1", "203.0.113.9, unknown", "192.0.2.1"),
        ("192.0.2.1", "2001:db8::7", "2001:db8::7"),
        ("192.0.2.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9, ::ffff:192.0.2.7", "203.0.113.9"),
        ("192.0.2.1", "203.0.113.9:51234", "203.0.113.9"),
        ("192.0.2.1", "10.9.9.9:1, 203.0.113.9:51234, 192.0.2.7:443", "203.0.113.9"),
        ("192.0.2.1", "[2001:db8::7]:443", "2001:db8::7"),
        ("192.0.2.1", "[2001:db8::7]", "2001:db8::7"),
        ("192.0.2.1", "[::ffff:203.0.113.9]:443", "203.0.113.9"),
        *(
            ("192.0.2.1", f"203.0.113.9, {odd}", "192.0.2.1")
            for odd in (
                "203.0.113.9:",
                "203.0.113.9:x",
                "203.0.113.9:123456",
                "[203.0.113.9]:1",
                "[2001:db8::7",
                "2001:db8::7]:1",
                "[2001:db8::7]443",
                "[]:1",
                "203.0.113:1",
                ":1",
                "host:1",
            )
        ),
        ("198.18.0.1", "203.0.113.9", "198.18.0.1"),
    ],
)
def test_the_client_by_trusted_proxies_only(peer: str, forwarded: str, client: str, scene: Scene) -> None:
    caller = scene.client(peer)
    header = f"X-Forwarded-For: {forwarded}\r\n" if forwarded else ""
    caller.sends(get(headers=header, key="sg-office-key"))
    allowed = client.startswith("203.0.113.")
    assert only(caller.received()).status == (200 if allowed else 403)
    assert scene.record.client == client


def test_forwarded_means_nothing_without_trusted_proxies(scenes: MakeScene) -> None:
    scene = scenes(snapshot(trusted_proxies=()))
    client = scene.client()
    client.sends(get(headers="X-Forwarded-For: 203.0.113.9\r\n", key="sg-office-key"))
    assert only(client.received()).status == 403
    assert scene.record.client == "192.0.2.1"


def test_no_secret_in_the_access_log(scene: Scene) -> None:
    import msgspec

    client = scene.client()
    client.sends(post(chat(), f"{PATH}?key={KEY}", headers=f"x-api-key: {KEY}\r\nCookie: a=geheim\r\n"))
    scene.upstream().sends(b"HTTP/1.1 200 OK\r\nSet-Cookie: s=geheim\r\nContent-Length: 2\r\n\r\n{}")
    assert "set-cookie" not in client.received().decode().lower()
    client.sends(post(chat(), f"{PATH}?key={KEY}", key="sk-guessed"))
    assert len(scene.records) == 2
    line = msgspec.json.encode(scene.records).decode()
    for secret in (KEY, "sk-guessed", "sk-cloud-secret", "geheim", "你好"):
        assert secret not in line
    assert [record.path for record in scene.records] == [f"{PATH}?…"] * 2
