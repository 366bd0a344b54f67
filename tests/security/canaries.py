"""Secrets that are planted, one of each kind, and found again in whatever way somebody wrote them."""

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

PAIR: Final = base64.b64encode(
    bytes.fromhex(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )
).decode()
"""A private key and its public half: the first example of RFC 8032."""
CANARIES: Final[Mapping[str, str]] = {
    "password": 'canary-of-the/password+"é%20\\x',
    "token of the settings": "canary-of-the/settings+token=0123456789",
    "secret of the settings' endpoint": base64.b64encode(b"canary-of-the-settings-secret?>~").decode(),
    "encryption key": base64.b64encode(b"canary-of-the-encryption-key?>~!").decode(),
    "old encryption key": base64.b64encode(b"canary-of-the-former-key-there?>").decode(),
    "database password": "canary of the/database+password@%",
    "secret of an endpoint": base64.b64encode(b"canary-of-a-made-secret-there?>~").decode(),
    "private key of an endpoint": PAIR,
    "bearer of an endpoint": "canary-of-a-bearer~token/+=",
    "password of an endpoint": "canary-of-a-basic+password/é",
    "header of an endpoint": "canary of a header/+=%",
    "query of an endpoint": "canary-of-a-query-9f3c1a",
    "header of the collector": "canary-of-the-collectors/header+",
    "number of a recipient": "12139970413",
    "PGPASSWORD": "canary-of-the-variable/PGPASSWORD+",
    "OTEL_EXPORTER_OTLP_HEADERS": "canary-of-the-variable/OTEL+",
}
LOGIN: Final = "the-login"


def forms(secret: str) -> set[bytes]:
    """How it might stand somewhere: as it is, escaped, and within something that was encoded as a whole."""
    raw = secret.encode()
    texts = {
        secret,
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
    }
    found = {text.encode() for text in texts} | {secret.encode("utf-16-le")}
    wholes = [raw, *(each for each in (_decoded(secret),) if each is not None)]
    for whole in wholes:
        found |= {whole, repr(whole)[2:-1].encode(), whole.hex().encode(), whole.hex().upper().encode(), whole[::-1]}
        for before in range(3):  # where it begins within what was encoded
            core = base64.b64encode(bytes(before) + whole)[4 if before else 0 : -4]
            found |= {core, core.translate(bytes.maketrans(b"+/", b"-_"))}
    return {each for each in found if len(each) >= 10}


def _decoded(secret: str) -> bytes | None:
    """What it stands for, where it is base64."""
    try:
        whole = base64.b64decode(secret, validate=True)
    except ValueError:
        return None
    return whole if len(whole) >= 24 else None


FORMS: Final = {name: forms(secret) for name, secret in CANARIES.items()}


def found_in(place: str, written: str | bytes) -> set[tuple[str, str]]:
    """Which of them stand there, each with the place."""
    text = written.encode("utf-8", "surrogateescape") if isinstance(written, str) else written
    return {(name, place) for name, each in FORMS.items() if any(form in text for form in each)}


def found_plain(place: str, memory: bytes) -> set[tuple[str, str]]:
    """Which of them stand there as they are, in the ways that Python keeps a text, or as what they stand for: where looking for
    all forms would take long."""
    plain = {name: (secret.encode(), secret.encode("latin-1"), _decoded(secret)) for name, secret in CANARIES.items()}
    return {(name, place) for name, each in plain.items() if any(form and form in memory for form in each)}


def found_in_files(folder: Path, but: Iterable[Path] = ()) -> set[tuple[str, str]]:
    """The same of every file there, whatever it is, but for these."""
    left_out = set(but)
    files = [each for each in sorted(folder.rglob("*")) if each.is_file() and each not in left_out]
    assert files
    return {each for file in files for each in found_in(file.name, file.read_bytes())}
