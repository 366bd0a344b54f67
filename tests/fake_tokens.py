"""The part of the fake store that keeps tokens and sessions, and tells to whose accounts things belong, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tests.fake_deliveries import FakeDeliveries
from tests.fakes import FakeClock
from watcher.core.endpoint import Endpoint, EndpointState
from watcher.core.tokens import Session, Token, is_over


class FakeTokens(FakeDeliveries):
    """The ports Tokens and Whose in memory."""

    def __init__(self, clock: FakeClock, endpoints: Sequence[Endpoint] = ()) -> None:
        super().__init__(clock, endpoints)
        self.kept_tokens: dict[str, Token] = {}
        self.kept_sessions: dict[bytes, Session] = {}

    async def tokens(self) -> list[Token]:
        await self._do("tokens")
        return sorted(self.kept_tokens.values(), key=lambda each: (each.created, each.id))

    async def make_token(self, token: Token) -> bool:
        await self._do("make_token")
        if any(token.id == each.id or token.digest == each.digest for each in self.kept_tokens.values()):
            return False
        self.kept_tokens[token.id] = token
        return True

    async def remove_token(self, token_id: str) -> bool:
        await self._do("remove_token")
        token = self.kept_tokens.pop(token_id, None)
        if token is not None:
            of_it = [each.digest for each in self.kept_sessions.values() if each.token_digest == token.digest]
            for digest in of_it:
                del self.kept_sessions[digest]
        return token is not None

    async def note_used(self, used: Mapping[str, datetime]) -> None:
        await self._do("note_used")
        for token_id, at in used.items():
            token = self.kept_tokens.get(token_id)
            if token is not None and (token.used is None or token.used < at):
                self.kept_tokens[token_id] = replace(token, used=at)

    async def sessions(self) -> list[Session]:
        await self._do("sessions")
        return sorted(self.kept_sessions.values(), key=lambda each: (each.expires, each.digest))

    async def make_session(self, session: Session) -> None:
        await self._do("make_session")
        self.kept_sessions[session.digest] = session

    async def remove_session(self, digest: bytes) -> bool:
        await self._do("remove_session")
        return self.kept_sessions.pop(digest, None) is not None

    async def forget_sessions(self, now: datetime) -> int:
        await self._do("forget_sessions")
        over = [each.digest for each in self.kept_sessions.values() if is_over(each.expires, now)]
        for digest in over:
            del self.kept_sessions[digest]
        return len(over)

    async def accounts_of_endpoint(self, endpoint_id: str) -> Sequence[str] | None:
        await self._do("accounts_of_endpoint")
        return self._filter(endpoint_id)

    async def accounts_of_delivery(self, delivery_id: int) -> tuple[str, Sequence[str]] | None:
        await self._do("accounts_of_delivery")
        delivery = self.kept_deliveries.get(delivery_id)
        accounts = None if delivery is None else self._filter(delivery.endpoint_id)
        if delivery is None or accounts is None:
            return None
        return self._event(delivery.position).account, accounts

    def _filter(self, endpoint_id: str) -> list[str] | None:
        endpoint = self.kept_endpoints.get(endpoint_id)
        return None if endpoint is None or endpoint.state is EndpointState.REMOVED else list(endpoint.accounts)
