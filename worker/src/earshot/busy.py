"""What a caller hears and sees who has to wait for a slot: at once, and again from time to time."""

import asyncio

import structlog
from livekit import rtc
from livekit.plugins import piper

from .clip import Clip
from .notices import Notices
from .settings import PersonaSettings

STATE = "earshot.state"
AGAIN_S = 15.0

_log = structlog.get_logger(__name__)


class BusySignal:
    """Silent until `waiting` is called; close with `aclose`."""

    def __init__(
        self,
        room: rtc.Room,
        synthesizer: piper.Synthesizer,
        persona: PersonaSettings,
        notices: Notices,
    ) -> None:
        self._room = room
        self._synthesizer = synthesizer
        self._persona = persona
        self._notices = notices
        self._task: asyncio.Task[None] | None = None

    def waiting(self, position: int) -> None:
        """Tells the caller their place in the line."""
        self._notices.notice("busy", self._persona.busy_message, position=position)
        if self._task is None:
            self._task = asyncio.create_task(self._sound(), name="busy-signal")

    async def aclose(self) -> None:
        """Ends the signal; says that the caller is let in, if they waited."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._room.local_participant.set_attributes({STATE: ""})
        self._notices.notice("admitted", "You are connected.")

    async def _sound(self) -> None:
        await self._room.local_participant.set_attributes({STATE: "busy"})
        try:
            clip = await Clip.speak(self._synthesizer, self._persona, self._persona.busy_message)
        except piper.PiperError as e:
            _log.warning("the busy message could not be spoken", error=str(e))
            return
        source = rtc.AudioSource(clip.sample_rate_hz, 1)
        track = rtc.LocalAudioTrack.create_audio_track("busy", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self._room.local_participant.publish_track(track, options)
        try:
            await publication.wait_for_subscription()
            while True:
                async for frame in clip.frames():
                    await source.capture_frame(frame)
                await source.wait_for_playout()
                await asyncio.sleep(AGAIN_S)
        finally:
            await self._room.local_participant.unpublish_track(publication.sid)
            await source.aclose()
