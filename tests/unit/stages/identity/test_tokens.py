"""Tokens: what is right is accepted, whatever is forged is 401, and what cannot be known is 503."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.config.compiled.identity import Claims
from seekgate.pipeline.stage import Reply
from seekgate.stages.identity.jwks import KeySet, succeed
from seekgate.stages.identity.state import Known
from seekgate.stages.identity.tokens import MAX_BYTES, Absent, Tokens
from seekgate.wire import errors
from tests.support import tokens as made
from tests.support.tokens import NAME, NOW, claims, encoded, issuer, jwk, sign, token


class Source:
    """Keys as a test has them."""

    def __init__(self, *documents: bytes, trouble: str = "", age: float = 0.0) -> None:
        self.coming = list(documents)
        self.value: KeySet | None = None
        self.trouble = trouble
        self.age = age
        self.asked = 0
        if documents:
            self.next()

    def next(self) -> None:
        self.value = succeed(self.value, self.coming.pop(0))

    def fresh(self, now: float) -> bool:
        return self.age < 100.0

    def again(self) -> Awaitable[None]:
        return self._again()

    async def _again(self) -> None:
        self.asked += 1
        if self.coming:
            self.next()


ALL = ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA")
SET = made.document(*(jwk(kind, kind) for kind in ALL), jwk("RS256"))


def look(presented: bytes, now: float = NOW, **changes: Any) -> Known | Reply | Absent | None:
    return Tokens([(issuer(**changes), Source(SET))]).look_at(presented, now)


@pytest.mark.parametrize("kind", ALL)
def test_each_kind_of_signature(kind: str) -> None:
    known = look(token(kind, kid=kind))
    assert isinstance(known, Known)
    assert known.principal.id == f"{NAME}|ann"
    assert known.until == NOW + 600 + 30


RS = {"alg": "RS256", "typ": "JWT", "kid": "one"}
GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(b".")

FORGED: dict[str, tuple[bytes, str]] = {
    "alg none, without a signature": (
        b".".join([encoded(b'{"alg":"none"}').encode(), BODY, b""]), "algorithm is not accepted",
    ),
    "alg None in other letters": (sign({**RS, "alg": "nOnE"}, claims()), "algorithm is not accepted"),
    "alg none, with the signature of another": (
        b".".join([encoded(b'{"alg":"none","kid":"one"}').encode(), BODY, SIGNATURE]), "algorithm is not accepted",
    ),
    "no alg": (sign({"kid": "one"}, claims()), "algorithm is not accepted"),
    "alg is a list": (sign({**RS, "alg": ["RS256"]}, claims()), "algorithm is not accepted"),
    "HMAC with the public key (PEM)": (
        made.with_hmac({"alg": "HS256", "kid": "one"}, claims(), made.pem()), "algorithm is not accepted",
    ),
    "HMAC with the public key, called RS256": (
        made.with_hmac(RS, claims(), made.pem()), "signature is wrong",
    ),
    "an algorithm that the issuer may not use": (
        sign({**RS, "alg": "RS512"}, claims(), "RS512"), "not one that its issuer may use",
    ),
    "an algorithm that does not fit the key": (
        sign({"alg": "ES256", "kid": "one"}, claims(), "ES256"), "key that it names",
    ),
    "another's key under a known kid": (sign(RS, claims(), "RS256", 7), "signature is wrong"),
    "wrong issuer": (token(iss="https://login.elsewhere"), "issuer is not trusted"),
    "issuer with a slash more": (token(iss=f"{NAME}/"), "issuer is not trusted"),
    "no issuer": (token(iss=None), "issuer is not trusted"),
    "issuer is a list": (token(iss=[NAME]), "issuer is not trusted"),
    "wrong audience": (token(aud="someone-else"), "not issued for this gateway"),
    "audience in a list of others": (token(aud=["a", "b"]), "not issued for this gateway"),
    "no audience": (token(aud=None), "not issued for this gateway"),
    "audience is an object": (token(aud={"seekgate": True}), "not issued for this gateway"),
    "unknown kid": (token(kid="unheard-of"), "key that it names"),
    "kid is a path": (token(kid="../../dev/null"), "key that it names"),
    "kid is a number": (sign({**RS, "kid": 1}, claims()), "id of its key"),
    "expired": (token(exp=NOW - 30), "expired"),
    "no expiry": (token(exp=None), "when it expires"),
    "expiry is text": (token(exp=str(NOW + 600)), "'exp' is not a number"),
    "expiry is true": (token(exp=True), "'exp' is not a number"),
    "expiry is beyond every float": (token(exp=10**400), "'exp' is not a number"),
    "not before is beyond every float": (token(nbf=-(10**400)), "'nbf' is not a number"),
    "a number of too many digits": (
        sign(RS, json.dumps(claims()).replace(str(NOW + 600), "9" * 5000)), "not a JSON object",
    ),
    "expiry is infinite": (sign(RS, json.dumps(claims()).replace(str(NOW + 600), "1e999")), "'exp' is not a number"),
    "expiry is not a number": (sign(RS, json.dumps(claims()).replace(str(NOW + 600), "NaN")), "not a JSON object"),
    "not valid yet": (token(nbf=NOW + 31), "not valid yet"),
    "issued in the future": (token(iat=NOW + 31), "issued in the future"),
    "no subject": (token(sub=None), "subject"),
    "a subject of control characters": (token(sub="a\nb"), "subject"),
    "cut after the header": (HEAD, "three parts"),
    "cut after the claims": (HEAD + b"." + BODY, "three parts"),
    "no signature": (HEAD + b"." + BODY + b".", "signature is wrong"),
    "half a signature": (GOOD[:-100], "signature"),
    "a character of the signature changed": (
        GOOD[:-9] + (b"A" if GOOD[-9:-8] != b"A" else b"B") + GOOD[-8:], "signature is wrong",
    ),
    "a claim changed under the signature": (
        HEAD + b"." + encoded(json.dumps(claims(sub="root")).encode()).encode() + b"." + SIGNATURE,
        "signature is wrong",
    ),
    "the header changed under the signature": (
        encoded(json.dumps({**RS, "x": 1}).encode()).encode() + b"." + BODY + b"." + SIGNATURE, "signature is wrong",
    ),
    "a fourth part": (GOOD + b".AAAA", "three parts"),
    "encrypted (JWE)": (GOOD + b".AAAA.AAAA", "three parts"),
    "too long": (token(padding="x" * MAX_BYTES), "longer than"),
    "padding": (HEAD + b"=." + BODY + b"." + SIGNATURE, "header is not base64url"),
    "the other alphabet of base64": (HEAD + b"." + BODY + b"." + b"+/" + SIGNATURE[2:], "signature is not base64url"),
    "spaces": (HEAD + b"." + BODY + b". " + SIGNATURE, "signature is not base64url"),
    "a second spelling of the last byte": (
        HEAD + b"." + BODY + b"." + SIGNATURE[:-1] + bytes([SIGNATURE[-1] + 1]), "signature",
    ),
    "a key of its own in the header (jwk)": (
        sign({**RS, "jwk": jwk("RS256", number=7)}, claims(), "RS256", 7), "'jwk', which is not accepted",
    ),
    "a key set of its own (jku)": (sign({**RS, "jku": "http://127.0.0.1:1/keys"}, claims()), "'jku'"),
    "a certificate's URL (x5u)": (sign({**RS, "x5u": "http://127.0.0.1:1/cert"}, claims()), "'x5u'"),
    "a certificate of its own (x5c)": (sign({**RS, "x5c": ["MIIB"]}, claims()), "'x5c'"),
    "critical extensions (crit)": (sign({**RS, "crit": ["exp"]}, claims()), "'crit'"),
    "unencoded payload (b64, crit)": (sign({**RS, "b64": False, "crit": ["b64"]}, claims()), "'crit'"),
    "an identity token's type": (sign({**RS, "typ": "secevent+jwt"}, claims()), "not a token for access"),
    "the type is a number": (sign({**RS, "typ": 1}, claims()), "not a token for access"),
    "claims with the same key twice": (
        sign(RS, json.dumps(claims(sub="ann"))[:-1] + ', "sub": "root"}'), "same key twice",
    ),
    "a header with the same key twice": (
        sign('{"alg":"RS256","kid":"one","alg":"none"}', claims()), "same key twice",
    ),
    "the same key twice further inside": (
        sign(RS, json.dumps(claims())[:-1] + ', "realm": {"a": 1, "a": 2}}'), "same key twice",
    ),
    "claims are a list": (sign(RS, [1]), "claims is not a JSON object"),
    "claims are not JSON": (sign(RS, "{"), "claims is not a JSON object"),
    "claims are not UTF-8": (
        HEAD + b"." + encoded(b'{"a":"\xff"}').encode() + b"." + SIGNATURE, "claims is not a JSON object",
    ),
    "claims nested without end": (sign(RS, "[" * 9000), "claims is not a JSON object"),
    "the header is null": (sign("null", claims()), "header is not a JSON object"),
    "empty parts": (b"..", "header is not a JSON object"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_forged_tokens_are_refused(name: str) -> None:
    presented, reason = FORGED[name]
    verdict = look(presented)
    if isinstance(verdict, Absent):
        verdict = verdict.reply()
    assert isinstance(verdict, Reply), "it was accepted"
    assert verdict.error in (errors.UNAUTHENTICATED, errors.KEY_EXPIRED)
    assert verdict.error is not None
    assert verdict.error.status == 401
    assert reason in verdict.message
    assert verdict.headers == ((b"WWW-Authenticate", b'Bearer error="invalid_token"'),)
    assert "ann" not in verdict.message
    assert (verdict.error is errors.KEY_EXPIRED) is (name == "expired")


def test_the_same_claims_under_another_issuer() -> None:
    """Two issuers that both use the kid ``one``: neither's tokens are the other's, and equal subjects are different."""
    other = issuer(issuer="https://login.other", roles=("guest",))
    source = Source(made.document(jwk("RS256", number=7)))
    both = Tokens([(issuer(), Source(SET)), (other, source)])
    forged = both.look_at(sign(RS, claims(), "RS256", 7), NOW)
    assert isinstance(forged, Reply)
    assert "signature is wrong" in forged.message
    reverse = both.look_at(token(iss="https://login.other"), NOW)
    assert isinstance(reverse, Reply)
    mine = both.look_at(token(), NOW)
    theirs = both.look_at(sign(RS, claims(iss="https://login.other"), "RS256", 7), NOW)
    assert isinstance(mine, Known)
    assert isinstance(theirs, Known)
    assert mine.principal.id != theirs.principal.id
    assert (mine.principal.roles, theirs.principal.roles) == ((), ("guest",))


@pytest.mark.parametrize(
    "presented",
    [
        token(aud=["x", "seekgate"]),
        token(aud="other-name"),
        token(nbf=NOW + 29, iat=NOW + 29),
        token(exp=NOW - 29),
        token(exp=int(NOW) + 1, iat=None),
        token(kid=None),
        sign({**RS, "typ": "at+JWT"}, claims()),
        sign({"alg": "RS256", "kid": "one"}, claims()),
        sign({**RS, "x5t": "abc"}, claims()),
    ],
)
def test_what_is_unusual_and_right(presented: bytes) -> None:
    assert isinstance(look(presented), Known)


@pytest.mark.parametrize("presented", [b"", b"sk-sg-abc", b"one.dot", "schlüssel".encode()])
def test_what_is_no_token(presented: bytes) -> None:
    assert look(presented) is None


@given(st.binary(max_size=300))
def test_nothing_that_is_presented_raises(tail: bytes) -> None:
    for presented in (
        b"eyJ" + tail,
        HEAD + b"." + tail,
        HEAD + b"." + BODY + b"." + tail,
        tail + b"..",
        tail,
    ):
        verdict = look(presented)
        assert verdict is None or isinstance(verdict, Reply)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "x"]), JSON),
    st.dictionaries(st.sampled_from(["iss", "aud", "sub", "exp", "nbf", "iat", "roles", "team"]), JSON),
)
def test_no_header_and_no_claims_raise(header: dict[str, Any], said: dict[str, Any]) -> None:
    for head in (header, {**RS, **header}, RS):
        for body in (said, {**claims(), **said}):
            parts = [encoded(json.dumps(part).encode()) for part in (head, body)]
            verdict = look(f"{'.'.join(parts)}.AAAA".encode(), claims=Claims(roles="roles", team="team.x"))
            assert isinstance(verdict, Reply | Absent)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_no_byte_of_a_token_may_change(at: int, value: int) -> None:
    changed = GOOD[:at] + bytes([value]) + GOOD[at + 1 :]
    if changed != GOOD:
        verdict = look(changed)
        assert not isinstance(verdict, Known)


def after_asking(source: Source, presented: bytes) -> Known | Reply | Absent | None:
    """What is found once the source was asked again."""
    checker = Tokens([(issuer(), source)])
    first = checker.look_at(presented, NOW)
    assert isinstance(first, Absent)
    asyncio.run(wait(first))
    second = checker.look_at(presented, NOW)
    return second.reply() if isinstance(second, Absent) else second


async def wait(absent: Absent) -> None:
    await absent.fetched()


def test_a_key_that_is_new_is_asked_for() -> None:
    source = Source(made.document(jwk("RS256")), made.document(jwk("RS256"), jwk("RS256", "two", 7)))
    assert isinstance(after_asking(source, token(kid="two", number=7)), Known)
    assert source.asked == 1


def test_a_key_that_is_new_of_an_issuer_that_names_none() -> None:
    source = Source(made.document(jwk("RS256", None)), made.document(jwk("RS256", None, 7)))
    assert isinstance(after_asking(source, token(kid=None, number=7)), Known)


def test_keys_that_have_never_come_are_not_the_callers_fault() -> None:
    reply = after_asking(Source(trouble="no answer within 5 s"), token())
    assert isinstance(reply, Reply)
    assert reply.error is errors.IDENTITY_UNAVAILABLE


def test_an_unknown_key_while_the_issuer_does_not_answer_is_not_the_callers_fault() -> None:
    reply = after_asking(Source(SET, trouble="no answer within 5 s"), token(kid="new"))
    assert isinstance(reply, Reply)
    assert reply.error is errors.IDENTITY_UNAVAILABLE


def test_known_keys_work_while_the_issuer_does_not_answer() -> None:
    source = Source(SET, trouble="no answer within 5 s", age=99.0)
    assert isinstance(Tokens([(issuer(), source)]).look_at(token(), NOW), Known)


def test_keys_that_are_too_old_are_not_relied_on() -> None:
    reply = after_asking(Source(SET, trouble="no answer within 5 s", age=101.0), token())
    assert isinstance(reply, Reply)
    assert reply.error is errors.IDENTITY_UNAVAILABLE


def test_a_key_that_is_withdrawn_takes_its_tokens_with_it() -> None:
    source = Source(made.document(jwk("RS256"), jwk("ES256", "two")), made.document(jwk("ES256", "two")))
    checker = Tokens([(issuer(), source)])
    one, two = checker.look_at(token(), NOW), checker.look_at(token("ES256", "two"), NOW)
    assert isinstance(one, Known)
    assert isinstance(two, Known)
    source.next()
    assert one.until == 0.0
    assert two.until > NOW
    assert isinstance(checker.look_at(token(), NOW), Absent)
