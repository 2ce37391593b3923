from __future__ import annotations

from seekgate.emulate.prompt import IMAGE_BYTES, image_urls, render, text_of

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def test_text_is_taken_from_strings_and_arrays() -> None:
    assert text_of("plain") == "plain"
    assert text_of([{"type": "text", "text": "a"}, IMAGE, {"type": "text", "text": "b"}]) == "ab"
    assert text_of(None) == ""


def test_images_are_found_in_arrays_only() -> None:
    assert image_urls([IMAGE, {"type": "text", "text": "x"}]) == ["https://example.com/a.png"]
    assert image_urls("https://example.com/a.png") == []


def test_tools_come_first_and_turns_keep_their_order() -> None:
    prompt = render(
        [{"name": "tool"}], [{"role": "system", "content": "one"}, {"role": "user", "content": "two"}]
    )
    assert prompt.index(b"tool") < prompt.index(b"one") < prompt.index(b"two")


def test_a_longer_conversation_begins_with_the_shorter_one() -> None:
    turns = [{"role": "user", "content": "one"}]
    assert render([], [*turns, {"role": "assistant", "content": "two"}]).startswith(render([], turns))


def test_an_array_of_text_is_the_same_as_a_string() -> None:
    array = [{"type": "text", "text": "one"}]
    assert render([], [{"content": array}]) == render([], [{"content": "one"}])


def test_an_image_counts_the_same_whatever_its_size() -> None:
    small = render([], [{"content": [{"type": "image_url", "image_url": "data:a"}]}])
    large = render([], [{"content": [{"type": "image_url", "image_url": "data:" + "a" * 9_000}]}])
    assert len(small) == len(large)
    assert IMAGE_BYTES <= len(small) < IMAGE_BYTES + 32
    assert small != large
