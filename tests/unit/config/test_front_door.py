from pathlib import Path

import trustme

from seekgate.config.front_door import Limits
from seekgate.config.snapshot import Limits as Compiled
from tests.support.configuration import MINIMAL, loaded, messages


def test_ways_to_write_listen() -> None:
    one = loaded(MINIMAL + "listen: 127.0.0.1:1").settings.listen
    assert [entry.address for entry in one] == ["127.0.0.1:1"]
    text = MINIMAL + "listen: ['[::1]:1', {address: 'h:2', tls: {certificate: c.pem, key: k.pem}}]"
    two = loaded(text).settings.listen
    assert [entry.address for entry in two] == ["[::1]:1", "h:2"]
    assert two[1].tls
    assert two[1].tls.certificate == "c.pem"
    mapping = loaded(MINIMAL + "listen: {address: 'h:2'}").settings.listen
    assert [entry.address for entry in mapping] == ["h:2"]


def test_admin_can_be_off() -> None:
    assert loaded(MINIMAL + "admin: off").settings.admin == "off"


def test_the_defaults_are_those_of_the_snapshot() -> None:
    assert Limits().model_dump(mode="python").keys() == set(Compiled.__struct_fields__)
    for name in Compiled.__struct_fields__:
        assert getattr(Limits(), name) == getattr(Compiled(), name)


def test_addresses_only_once() -> None:
    text = """admin: 127.0.0.1:1
listen:
- 127.0.0.1:1
- address: '[::1]:2'
- '[0::1]:2'
- h:0
- h:0
"""
    assert messages(text) == [
        "3: listen[0]: 127.0.0.1:1 is already listened on (line 1); expected another host or port",
        "5: listen[2]: [0::1]:2 is already listened on (line 4); expected another host or port",
    ]


def test_no_address() -> None:
    assert messages(MINIMAL + "listen: []") == [
        "5: listen: no address to listen on; expected at least one address"
    ]


def test_bad_entries() -> None:
    assert messages(MINIMAL + "listen:\n- 8080\n- {adress: 'h:1'}\n") == [
        "6: listen[0]: 8080 is not a mapping; expected a mapping",
        "7: listen[1]: 'address' is missing",
        "7: listen[1].adress: unknown key; expected one of address, tls, xfcc_from; did you mean 'address'?",
    ]


def test_certificates(tmp_path: Path) -> None:
    authority = trustme.CA()
    for name in ("a", "b"):
        issued = authority.issue_cert("gate.example.com")
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
    (tmp_path / "junk.pem").write_text("junk")

    def check(certificate: str, key: str) -> list[str]:
        text = MINIMAL + f"listen: [{{address: 'h:1', tls: {{certificate: {certificate}, key: {key}}}}}]"
        return messages(text, {"APP_KEY": "a", "CLOUD_KEY": "b"}, tmp_path, outside=True)

    assert check("a.pem", "a.key") == []
    assert "cannot be used" in check("a.pem", "b.key")[0]
    assert "cannot be used" in check("junk.pem", "a.key")[0]
    assert check("gone.pem", "a.key") == [
        f"5: listen[0].tls.certificate: cannot read {tmp_path}/gone.pem: No such file or directory; "
        "expected a readable file"
    ]


def test_an_encrypted_key_is_refused_without_asking(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as s

    issued = trustme.CA().issue_cert("gate.example.com")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "a.pem")
    key = s.load_pem_private_key(issued.private_key_pem.bytes(), None)
    sealed = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.BestAvailableEncryption(b"pw"))
    (tmp_path / "a.key").write_bytes(sealed)
    text = MINIMAL + "listen: {address: 'h:1', tls: {certificate: a.pem, key: a.key}}"
    assert messages(text, {"APP_KEY": "a", "CLOUD_KEY": "b"}, tmp_path, outside=True) == [
        "5: listen.tls.certificate: the private key is encrypted; expected a key without a password"
    ]
