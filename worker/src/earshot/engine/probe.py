"""A short question to the engine, for whoever watches it: without the weight of a client.

Knows nothing of models: it imports no plugin and no LiveKit.
"""

from pathlib import Path
from typing import Any

import grpc

from ..errors import EngineError
from . import channel, engine_pb2_grpc
from . import engine_pb2 as pb
from .address import Address
from .status import EngineStatus, Health, unpack_health, unpack_status


async def health(socket: Path, *, timeout_s: float = 2.0) -> Health:
    """Whether the engine gets on with its work. It listens once it is warm.

    Raises:
        EngineError: no answer within `timeout_s`, or nobody there.
    """
    return unpack_health(await _ask(socket, "Health", pb.HealthRequest(), timeout_s))


async def status(socket: Path, *, timeout_s: float = 5.0) -> EngineStatus:
    """
    Raises:
        EngineError: no answer within `timeout_s`, or nobody there.
    """
    return unpack_status(await _ask(socket, "Status", pb.StatusRequest(), timeout_s))


async def _ask(socket: Path, method: str, message: Any, timeout_s: float) -> Any:
    address = Address.of(socket)
    try:
        async with grpc.aio.insecure_channel(address.target, options=channel.CLIENT) as connection:
            stub = engine_pb2_grpc.EngineStub(connection)  # type: ignore[no-untyped-call]
            return await getattr(stub, method)(message, timeout=timeout_s)
    except grpc.aio.AioRpcError as e:
        raise silent(socket, e, timeout_s) from e
    finally:
        address.close()


def silent(socket: Path, error: grpc.aio.AioRpcError, timeout_s: float) -> EngineError:
    """In one line, that the engine didn't answer."""
    why = (
        f"no answer within {timeout_s:g} s"
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        else error.details()
    )
    return EngineError(f"{socket}: the engine does not answer: {why}")
