"""Recordings and streams: what is asked for, and how they are shown."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import click
from google.protobuf.message import Message
from livekit import api

from . import requests
from .tables import when

COLUMNS = ("egress", "status", "of", "kind", "since", "until", "to", "error")

KINDS: dict[str, type[Message]] = {
    "room": api.RoomCompositeEgressRequest,
    "participant": api.ParticipantEgressRequest,
    "tracks": api.TrackCompositeEgressRequest,
    "track": api.TrackEgressRequest,
    "web": api.WebEgressRequest,
    "any": api.StartEgressRequest,
}
"""What can be recorded: by the name that the command has for it."""

_FILE_TYPES = {".mp4": "MP4", ".ogg": "OGG", ".mp3": "MP3"}
_NEEDED = {
    "room": {"room_name": "--room"},
    "participant": {"room_name": "--room", "identity": "--identity"},
    "tracks": {"room_name": "--room"},
    "track": {"room_name": "--room", "track_id": "--track"},
    "web": {"url": "--page"},
    "any": {},
}
_OUTPUTS = {
    "track": ("file", "websocket_url"),
    "any": ("outputs",),
}
_ENCODED = (
    "file_outputs", "stream_outputs", "segment_outputs", "image_outputs", "file", "stream",
    "segments",
)  # fmt: skip


def request(
    kind: str, data: Mapping[str, Any], given: Mapping[str, Any], outputs: Mapping[str, Any]
) -> Message:
    """What to start, checked as far as it can be without the service.

    Args:
        data: JSON of the request.
        given: fields of the request, by option; what was not given is None.
        outputs: `file`, `stream`, `segments`, `images`, `websocket`, `manifest`.

    Raises:
        click.UsageError: an option or a field that this kind has not, or one that is missing.
    """
    cls = KINDS[kind]
    known = cls.DESCRIPTOR.fields_by_name
    named = {name: value for name, value in given.items() if value not in (None, False)}
    for name in named:
        if name not in known:
            raise click.UsageError(f"{cls.DESCRIPTOR.name} has no {name}: not for `{kind}`")
    message = requests.build(cls, data, named, _outputs(kind, outputs))
    requests.require(message, **_NEEDED[kind])
    if kind == "tracks" and not (
        _get(message, "audio_track_id") or _get(message, "video_track_id")
    ):
        raise click.UsageError("what is recorded? Give --audio-track, --video-track or both")
    wanted = _OUTPUTS.get(kind, _ENCODED)
    if not any(_given(message, name) for name in wanted):
        raise click.UsageError("where to? Give --file, --stream, --segments, …, or --request")
    if _get(message, "audio_only") and _get(message, "video_only"):
        raise click.UsageError("--audio-only and --video-only: one of them was expected")
    return message


def _get(message: Message, name: str) -> Any:
    return getattr(message, name, None)


def _given(message: Message, name: str) -> bool:
    field = message.DESCRIPTOR.fields_by_name[name]
    return bool(getattr(message, name)) if field.is_repeated else message.HasField(name)


def _outputs(kind: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    file, streams = outputs["file"], list(outputs["stream"])
    segments, images = outputs["segments"], outputs["images"]
    if kind == "track":
        _only(kind, stream=streams, segments=segments, images=images)
        if file and outputs["websocket"]:
            raise click.UsageError("--file and --websocket: one of them was expected")
        return {
            "file": {"filepath": file, **_manifest(outputs)} if file else None,
            "websocket_url": outputs["websocket"],
        }
    _only(kind, websocket=outputs["websocket"])
    found: dict[str, Any] = {}
    if file:
        suffix = PurePath(file).suffix.lower()
        if suffix and suffix not in _FILE_TYPES:
            raise click.UsageError(f"--file {file}: .mp4, .ogg or .mp3 was expected")
        kind_of_file = {"file_type": _FILE_TYPES[suffix]} if suffix else {}
        found["file"] = {"filepath": file, **kind_of_file, **_manifest(outputs)}
    if streams:
        found["stream"] = {"protocol": _protocol(streams), "urls": streams}
    if segments:
        name = PurePath(segments).name
        found["segments"] = {"filename_prefix": segments, "playlist_name": f"{name}.m3u8"}
    if images:
        found["images"] = {"filename_prefix": images, "capture_interval": 5}
    if kind == "any":
        return {"outputs": [{name: value} for name, value in found.items()] or None}
    plural = {
        "file": "file_outputs", "stream": "stream_outputs", "segments": "segment_outputs",
        "images": "image_outputs",
    }  # fmt: skip
    return {plural[name]: [value] for name, value in found.items()}


def _manifest(outputs: Mapping[str, Any]) -> dict[str, bool]:
    return {} if outputs["manifest"] else {"disable_manifest": True}


def _protocol(urls: Sequence[str]) -> str:
    found = set()
    for url in urls:
        scheme = url.partition("://")[0].lower()
        protocol = {"rtmp": "RTMP", "rtmps": "RTMP", "srt": "SRT"}.get(scheme)
        if protocol is None:
            raise click.UsageError(f"--stream {url}: rtmp://, rtmps:// or srt:// was expected")
        found.add(protocol)
    if len(found) > 1:
        raise click.UsageError("--stream: rtmp and srt can't be had together")
    return found.pop()


def _only(kind: str, **others: Any) -> None:
    for name, value in others.items():
        if value:
            raise click.UsageError(f"--{name} is not for `{kind}`")


async def start(server: api.LiveKitAPI, kind: str, message: Any) -> api.EgressInfo:
    """Starts it."""
    calls: dict[str, Callable[[Any], Awaitable[api.EgressInfo]]] = {
        "room": server.egress.start_room_composite_egress,
        "participant": server.egress.start_participant_egress,
        "tracks": server.egress.start_track_composite_egress,
        "track": server.egress.start_track_egress,
        "web": server.egress.start_web_egress,
        "any": server.egress.start_egress,
    }
    return await calls[kind](message)


def row(info: api.EgressInfo) -> Sequence[object]:
    return (
        info.egress_id,
        api.EgressStatus.Name(info.status).removeprefix("EGRESS_").lower(),
        info.room_name or info.web.url,
        info.WhichOneof("request") or "",
        when(info.started_at / 1e9),
        when(info.ended_at / 1e9),
        ", ".join(_targets(info)),
        info.error,
    )


def _targets(info: api.EgressInfo) -> list[str]:
    files = [file.location or file.filename for file in info.file_results]
    streams = [stream.url for stream in info.stream_results]
    return files + streams + [s.playlist_location or s.playlist_name for s in info.segment_results]
