"""Calls of methods (RPC) in a room: those that reach us are shown, and some are answered."""

from collections.abc import Awaitable, Callable, Mapping

from livekit import rtc
from livekit.rtc.rpc import IncomingRpcNext, RpcInvocationData

from .events import Events


class ShownRpc(rtc.RpcInterceptor):
    """Shows every call with its answer."""

    def __init__(self, events: Events) -> None:
        self._put = events.put

    async def intercept_incoming(
        self, invocation: RpcInvocationData, next: IncomingRpcNext
    ) -> str | None:
        call = {
            "identity": invocation.caller_identity,
            "method": invocation.method,
            "payload": invocation.payload,
        }
        try:
            answer = await next(invocation)
        except rtc.RpcError as e:
            self._put("rpc", **call, error=f"{e.code}: {e.message}")
            raise
        self._put("rpc", **call, answer=answer or "")
        return answer


def answer(me: rtc.LocalParticipant, events: Events, answers: Mapping[str, str]) -> None:
    """Shows calls from now on, and answers the methods that have an answer."""
    me.add_rpc_interceptor(ShownRpc(events))

    def handler(text: str) -> Callable[[RpcInvocationData], Awaitable[str]]:
        async def handle(_invocation: RpcInvocationData) -> str:
            return text

        return handle

    for method, text in answers.items():
        me.register_rpc_method(method, handler(text))
