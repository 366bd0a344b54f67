"""What a secret value may look like: signing secrets, encryption keys, passwords, tokens. What was given is never quoted."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, SecretStr

from watcher.core.headers import NAME, header_refusal
from watcher.core.keys import PREFIXES, parse_key
from watcher.settings.problems import refusal

ENCRYPTION_KEY: Final = 32
"""Bytes, as AES-256 wants them."""
FORMER: Final = "give those that were in force, or take them out"


def encryption_key(text: str) -> bytes:
    """The bytes of a key of `watcher db key`. ValueError where there are not 32 of them."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if len(key) != ENCRYPTION_KEY:
        raise ValueError(f"has {len(key)} bytes, not {ENCRYPTION_KEY}")
    return key


def _plain_text(value: str) -> str:
    if not value or not value.isprintable():
        raise refusal("is empty or holds a character that cannot be sent", "give it as one line of text")
    return value


def _login(value: str) -> str:
    if ":" in _plain_text(value):
        raise refusal("holds a colon, which HTTP Basic authentication cannot send", "give the login alone")
    return value


def _credential(value: SecretStr) -> SecretStr:
    _plain_text(value.get_secret_value())
    return value


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
        raise refusal("cannot be sent in a header", "make one with `watcher token random`")
    return value


def _bearer(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
        raise refusal("cannot be sent in a header", "give the receiver's token alone, without spaces")
    return value


def _read_by(read: Callable[[str], object], remedy: str) -> Callable[[SecretStr], SecretStr]:
    """Refuses a secret that cannot be read, with the remedy."""

    def check(value: SecretStr) -> SecretStr:
        try:
            read(value.get_secret_value())
        except ValueError as wrong:
            raise refusal(str(wrong), remedy) from None
        return value

    return check


def _each_read_by(read: Callable[[str], object], remedy: str) -> Callable[[Sequence[SecretStr]], Sequence[SecretStr]]:
    check = _read_by(read, remedy)

    def check_all(values: Sequence[SecretStr]) -> Sequence[SecretStr]:
        for value in values:
            check(value)
        return values

    return check_all


def _private_key(text: str) -> None:
    if not text.startswith(PREFIXES["v1a"]):
        raise ValueError(f"does not start with {PREFIXES['v1a']}")
    parse_key(text)


def _several(value: object) -> object:
    """A list; as text, in the environment or in a file, one a line or separated by commas: none of them holds either."""
    return [part for part in re.split(r"[\s,]+", value) if part] if isinstance(value, str) else value


def _apprise_url(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://[\x21-\x7e]+", value.get_secret_value()):
        raise refusal("is no Apprise URL", "write SERVICE://…, one alone, in ASCII without spaces (%20)")
    return value


def by_lines(value: object) -> object:
    """A table of headers; as text, in the environment or in a file, one a line as HTTP has them."""
    if not isinstance(value, str):
        return value
    pairs = [line.partition(":") for line in value.splitlines() if line.strip()]
    if not all(colon for _, colon, _ in pairs):
        raise refusal("has a line without a colon", "write one header a line, as in Name: value")
    names = [name.strip().lower() for name, _, _ in pairs]
    if len(set(names)) < len(names):
        raise refusal("has a header twice", "keep one of them")
    return {name.strip(): text.strip() for name, _, text in pairs}


def _headers(value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    names = [name.lower() for name in value]
    if len(set(names)) < len(names):
        raise refusal("has a header twice", "keep one of them")
    for name, text in value.items():
        if why := header_refusal(name, text.get_secret_value()):
            what, _, remedy = why.partition("; ")
            named = f"names {name}, which" if NAME.fullmatch(name) else "names one that"
            raise refusal(f"{named} {what}", remedy)
    return value


Login = Annotated[str, AfterValidator(_login)]
Credential = Annotated[SecretStr, AfterValidator(_credential)]
Token = Annotated[SecretStr, AfterValidator(_token)]
Bearer = Annotated[SecretStr, AfterValidator(_bearer)]
SigningSecret = Annotated[SecretStr, AfterValidator(_read_by(parse_key, "make one with `watcher endpoints secret`"))]
PrivateKey = Annotated[
    SecretStr, AfterValidator(_read_by(_private_key, "make a pair with `watcher endpoints secret --pair`"))
]
SigningSecrets = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(_several),
    AfterValidator(_each_read_by(parse_key, FORMER)),
]
EncryptionKey = Annotated[SecretStr, AfterValidator(_read_by(encryption_key, "make one with `watcher db key`"))]
EncryptionKeys = Annotated[
    tuple[SecretStr, ...],
    BeforeValidator(_several),
    AfterValidator(_each_read_by(encryption_key, FORMER)),
]
AppriseUrl = Annotated[SecretStr, AfterValidator(_apprise_url)]
Headers = Annotated[Mapping[str, SecretStr], BeforeValidator(by_lines), AfterValidator(_headers)]
