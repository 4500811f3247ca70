"""This machine's microphone and loudspeaker through PortAudio, with WebRTC's echo canceller.

PortAudio calls back on a thread of its own: only bytes cross over, through bounded buffers.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from livekit import rtc
from livekit.agents.voice import io

from ..errors import DeviceError
from .speaker import PacedSpeaker

RATE_HZ = 48000
BLOCK = RATE_HZ // 100  # the echo canceller takes 10 ms at a time
HEARD_MOST = 100  # blocks: a second; beyond it the oldest is dropped
TO_PLAY_MOST_BYTES = RATE_HZ * 2 // 4  # a quarter of a second runs ahead of the loudspeaker


class Devices:
    """Open streams, in and out, and the canceller between them."""

    def __init__(self, sounddevice: Any) -> None:
        self._apm = rtc.AudioProcessingModule(
            echo_cancellation=True, noise_suppression=True, high_pass_filter=True
        )
        self._loop = asyncio.get_running_loop()
        self.heard: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue(HEARD_MOST)
        self._to_play = bytearray()
        self._lock = threading.Lock()
        common = {"samplerate": RATE_HZ, "channels": 1, "dtype": "int16", "blocksize": BLOCK}
        self._out = sounddevice.RawOutputStream(callback=self._on_out, **common)
        self._in = sounddevice.RawInputStream(callback=self._on_in, **common)
        self._out.start()
        self._in.start()
        self._apm.set_stream_delay_ms(int((self._in.latency + self._out.latency) * 1000))

    def play(self, data: bytes) -> None:
        with self._lock:
            self._to_play += data
            del self._to_play[:-TO_PLAY_MOST_BYTES]

    def silence(self) -> None:
        with self._lock:
            self._to_play.clear()

    def _on_out(self, out: Any, frames: int, _time: Any, _status: Any) -> None:
        with self._lock:
            data = bytes(self._to_play[: frames * 2])
            del self._to_play[: frames * 2]
        data = data.ljust(frames * 2, b"\0")
        out[:] = data
        self._apm.process_reverse_stream(rtc.AudioFrame(data, RATE_HZ, 1, frames))

    def _on_in(self, data: Any, frames: int, _time: Any, _status: Any) -> None:
        frame = rtc.AudioFrame(bytes(data), RATE_HZ, 1, frames)
        self._apm.process_stream(frame)
        self._loop.call_soon_threadsafe(self._put, frame)

    def _put(self, frame: rtc.AudioFrame) -> None:
        if self.heard.full():
            self.heard.get_nowait()
        self.heard.put_nowait(frame)

    def close(self) -> None:
        for stream in (self._in, self._out):
            stream.stop()
            stream.close()


def open_devices() -> Devices:
    """Opens the default devices.

    Raises:
        DeviceError: there is no PortAudio, no microphone or no loudspeaker.
    """
    try:
        import sounddevice
    except OSError as e:
        raise DeviceError(f"--mic needs PortAudio: apt install libportaudio2 ({e})") from e
    try:
        return Devices(sounddevice)
    except (sounddevice.PortAudioError, ValueError) as e:
        raise DeviceError(f"--mic: no microphone or loudspeaker can be opened: {e}") from e


class LiveMicrophone(io.AudioInput):
    """What the microphone hears, without the agent's own voice."""

    def __init__(self, devices: Devices) -> None:
        super().__init__(label="microphone")
        self._devices = devices

    async def __anext__(self) -> rtc.AudioFrame:
        return await self._devices.heard.get()


class LiveSpeaker(PacedSpeaker):
    """The loudspeaker; paced like the recorded one, so that an interruption stops it at once."""

    def __init__(self, devices: Devices, sink: Callable[[rtc.AudioFrame], None]) -> None:
        self._devices = devices
        self._resampler: rtc.AudioResampler | None = None
        self._also = sink
        super().__init__(self._play_out)

    def _play_out(self, frame: rtc.AudioFrame) -> None:
        self._also(frame)
        if frame.sample_rate == RATE_HZ:
            self._devices.play(bytes(frame.data))
            return
        if self._resampler is None:
            self._resampler = rtc.AudioResampler(frame.sample_rate, RATE_HZ)
        for piece in self._resampler.push(frame):
            self._devices.play(bytes(piece.data))

    def pause(self) -> None:
        super().pause()
        self._devices.silence()

    def clear_buffer(self) -> None:
        super().clear_buffer()
        self._devices.silence()
