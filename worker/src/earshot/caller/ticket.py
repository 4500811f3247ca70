"""How a caller gets into a room: a token from the page, as a browser gets it, or one of its own."""

import datetime
import uuid
from dataclasses import dataclass

import aiohttp

from ..errors import CallError

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Ticket:
    """Address and token of one call."""

    url: str
    token: str
    identity: str

    def __repr__(self) -> str:
        return f"Ticket(url={self.url!r}, identity={self.identity!r})"


async def from_page(page: str, room: str = "", identity: str = "", code: str = "") -> Ticket:
    """Asks the page's token endpoint, with the page's own Origin.

    Args:
        page: its address, "http://127.0.0.1:8080".
        room, identity: empty = the endpoint's choice.
        code: the access code, where one is needed.

    Raises:
        CallError: nobody there, or no token.
    """
    page = page.rstrip("/")
    wanted = {
        "room_name": room,
        "participant_identity": identity or f"caller-{uuid.uuid4().hex[:8]}",
    }
    headers = {"Origin": page, **({"X-Access-Code": code} if code else {})}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as http,
            http.post(
                f"{page}/api/token",
                json={k: v for k, v in wanted.items() if v},
                headers=headers,
            ) as response,
        ):
            answer = await response.json()
            if response.status >= 300:
                raise CallError(f"{page}: no token: {answer.get('message', response.status)}")
            return Ticket(
                answer["server_url"],
                answer["participant_token"],
                answer.get("participant_identity", wanted["participant_identity"]),
            )
    except (TimeoutError, aiohttp.ClientError, ValueError, KeyError, AttributeError) as e:
        raise CallError(f"{page}: gave no token: {e or type(e).__name__}") from e


def minted(
    url: str, key: str, secret: str, room: str, identity: str = "caller", agent: str = ""
) -> Ticket:
    """A token of one's own, for whoever holds the server's key.

    Args:
        agent: the agent to be called into the room by name; empty = whichever joins by itself.
    """
    from livekit import api

    token = (
        api.AccessToken(key, secret)
        .with_identity(identity)
        .with_ttl(datetime.timedelta(minutes=10))
        .with_grants(api.VideoGrants(room_join=True, room=room))
    )
    if agent:
        dispatch = api.RoomAgentDispatch(agent_name=agent)
        token = token.with_room_config(api.RoomConfiguration(agents=[dispatch]))
    return Ticket(url, token.to_jwt(), identity)
