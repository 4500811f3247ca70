"""What `--publish` sends: a recording, a tone, or this machine's microphone."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from ..caller.microphone import Microphone
from ..caller.speech import RATE_HZ, Speech
from ..errors import OperatorError

if TYPE_CHECKING:
    from ..talk.devices import Devices

TONE_HZ, TONE = 440, 0.1
"""-20 dB below full scale"""
PUBLISH_S = 15.0


class Voice(Protocol):
    """Something that can be published."""

    track: rtc.LocalAudioTrack

    def start(self) -> None: ...

    def heard(self) -> None:
        """Somebody listens now."""

    async def aclose(self) -> None: ...


class Recording:
    """A recording, once, when somebody listens; then silence."""

    def __init__(self, speech: Speech) -> None:
        self._speech = speech
        self._microphone = Microphone()
        self.track = self._microphone.track

    def start(self) -> None:
        self._microphone.start()

    def heard(self) -> None:
        self._microphone.say(self._speech)

    async def aclose(self) -> None:
        await self._microphone.aclose()


class Tone:
    """440 Hz without an end."""

    def __init__(self) -> None:
        second = np.sin(2 * np.pi * TONE_HZ * np.arange(RATE_HZ) / RATE_HZ)
        self._second = Speech.of((second * TONE * 32767).astype(np.int16), "a tone")
        self._microphone = Microphone()
        self.track = self._microphone.track
        self._going_on: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._microphone.start()
        self._microphone.say(self._second)
        self._going_on = asyncio.create_task(self._go_on())

    def heard(self) -> None:
        """It goes on already."""

    async def _go_on(self) -> None:
        while True:
            self._microphone.say(self._second)  # one second ahead
            await asyncio.sleep(self._second.duration_s)

    async def aclose(self) -> None:
        if self._going_on is not None:
            self._going_on.cancel()
            await asyncio.gather(self._going_on, return_exceptions=True)
        await self._microphone.aclose()


class LiveVoice:
    """The microphone; the devices are somebody else's to close."""

    def __init__(self, devices: "Devices") -> None:
        self._devices = devices
        self._source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0)  # the devices' rate too
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        self._pump: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._pump = asyncio.create_task(self._run())

    def heard(self) -> None:
        """It goes on already."""

    async def _run(self) -> None:
        while True:
            await self._source.capture_frame(await self._devices.heard.get())

    async def aclose(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        await self._source.aclose()


class Chosen:
    """What stood behind `--publish`, checked before anything is joined.

    Raises:
        AudioError: no recording that can be used.
        DeviceError: no microphone or loudspeaker.
    """

    def __init__(self, what: str | None) -> None:
        self.devices = _devices() if what == "mic" else None
        """the loudspeaker is theirs too: whoever speaks wants to hear"""
        self._speech = Speech.open(Path(what)) if what not in (None, "mic", "tone") else None
        self._what = what

    def voice(self) -> Voice | None:
        if self._speech is not None:
            return Recording(self._speech)
        if self.devices is not None:
            return LiveVoice(self.devices)
        return Tone() if self._what == "tone" else None

    def close(self) -> None:
        if self.devices is not None:
            self.devices.close()


def _devices() -> "Devices":
    # brings all of livekit.agents along: a second of work, for those who speak
    from ..talk.devices import open_devices

    return open_devices()


async def publish(voice: Voice, me: rtc.LocalParticipant) -> None:
    """Publishes it as a microphone, and begins; returns when somebody has subscribed to it.

    Raises:
        OperatorError: the server does not take it.
    """
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    try:
        publication = await asyncio.wait_for(me.publish_track(voice.track, options), PUBLISH_S)
    except (PublishTrackError, TimeoutError) as e:
        raise OperatorError(f"--publish: not published: {e or 'no answer'}") from e
    voice.start()
    await publication.wait_for_subscription()
    voice.heard()
