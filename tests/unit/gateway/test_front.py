"""What the front counts."""

from __future__ import annotations

from tests.support.scene import Scene
from tests.support.scene_answers import only
from tests.support.scene_config import chat, get, post, snapshot
from tests.support.scene_streams import unary


def test_connections_and_requests_in_flight() -> None:
    with Scene() as scene:
        metrics = scene.metrics
        clients = [scene.client() for _ in range(3)]
        assert (metrics.connections.value, metrics.connections_accepted.value) == (3, 3)
        clients[0].sends(post(chat()))
        assert metrics.in_flight.value == 1
        scene.upstream().sends(unary(b"{}"))
        assert metrics.in_flight.value == 0
        clients[1].finishes()
        assert (metrics.connections.value, metrics.connections_accepted.value) == (2, 3)


def test_refusals_by_reason() -> None:
    with Scene() as scene:
        for data in (b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\nX: " + b"a" * 3000, post(b"")[:40]):
            scene.client().sends(data)
        scene.advance(11.0)
        found = {
            name: scene.metrics.rejected.labels(name).value for name in ("bad_request", "header_too_large")
        }
        assert found == {"bad_request": 1, "header_too_large": 1}
        assert scene.metrics.rejected.labels("request_timeout").value == 1


def test_unknown_paths_are_counted_under_no_name() -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(get("/invented/by/a/client"))
        assert only(client.received()).status == 404
        assert scene.record.path == "/invented/by/a/client"
        assert scene.metrics.requests.labels("", "", "", "404").value == 1


def test_lists_of_models_follow_a_reload() -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(get())
        assert b'"alias"' in only(client.received()).body
        scene.reload(snapshot(models={"flash": snapshot().models["flash"]}))
        client.sends(get())
        assert b'"alias"' not in only(client.received()).body


def test_generated_request_ids_differ() -> None:
    with Scene() as scene:
        client = scene.client()
        client.sends(get() * 50)
        assert len(scene.records) == 50
        assert len({record.id for record in scene.records}) == 50
