"""What a caller's jitter buffer did with the agent's audio, by WebRTC's own statistics."""

import asyncio
from collections.abc import Sequence

from livekit import rtc

from .records import Heard

WITHIN_S = 4.0


async def heard_of(tracks: Sequence[rtc.Track]) -> Heard:
    """Sums over the tracks of a call; one that has gone is left out."""
    total = Heard()
    buffered_s, emitted = 0.0, 0
    for track in tracks:
        try:
            stats = await asyncio.wait_for(track.get_stats(), WITHIN_S)
        except Exception:  # livekit's is a bare Exception: the track or the room has gone
            continue
        for entry in stats:
            if not entry.HasField("inbound_rtp"):
                continue
            received, inbound = entry.inbound_rtp.received, entry.inbound_rtp.inbound
            total.samples += inbound.total_samples_received
            total.concealed += inbound.concealed_samples - inbound.silent_concealed_samples
            total.packets += received.packets_received
            total.packets_lost += received.packets_lost
            total.jitter_ms = max(total.jitter_ms, round(1000 * received.jitter, 2))
            buffered_s += inbound.jitter_buffer_delay
            emitted += inbound.jitter_buffer_emitted_count
    # the statistic adds up each sample's wait
    total.buffer_ms = round(1000 * buffered_s / emitted, 1) if emitted else 0.0
    return total
