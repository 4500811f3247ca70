"""Audio in, speech events out: the life of the utterances of one call.

    speech starts            START_OF_SPEECH
    while it goes on         INTERIM, what two decodes in a row agree on
    ~60 ms of silence        a decode of everything so far starts
    ~120 ms of silence       PREFLIGHT with its text
    end of speech            FINAL, byte for byte that text; RECOGNITION_USAGE; END_OF_SPEECH

Knows nothing of models, nor where the Transcriber is.
"""

import itertools
import time
import uuid
from collections import deque
from collections.abc import Callable

from livekit.agents import LanguageCode, stt

from .agreement import Agreement
from .endpointing import Endpointer
from .languages import LanguageTracker
from .options import RecognitionOptions
from .snapshot import Snapshot
from .transcriber import Priority, Transcriber, Transcript, TranscriptionRequest, Word
from .transcripts import join, summary, timed
from .utterance import Utterance
from .vad import Detector, Frames, Window

BEFORE_SPEECH_S = 0.4  # a VAD takes up to 0.3 s to notice a soft first sound
FIRST_PARTIAL_S = 0.6
PARTIAL_EVERY_S = 0.5
RETRY_AFTER_S = 0.25
DECODED_WITHIN_S = 1.2  # of silence; then an utterance ends without a word on its words

Type = stt.SpeechEventType


class Recognition:
    """One call's. `run` once; every event goes to `emit`, on the loop that runs it."""

    def __init__(
        self,
        transcriber: Transcriber,
        detect: Detector,
        options: RecognitionOptions,
        *,
        emit: Callable[[stt.SpeechEvent], None],
        offset_s: float = 0.0,
    ) -> None:
        """
        Args:
            offset_s: Added to every time of a transcript.
        """
        self._transcriber = transcriber
        self._detect = detect
        self._options = options
        self._emit = emit
        self._offset_s = offset_s
        self._call_id = uuid.uuid4().hex
        self._counter = itertools.count()
        self._language = LanguageTracker(options.languages)
        self._endpointer = Endpointer(options.endpointing)
        self._before: deque[Window] = deque()
        self._compute_s = 0.0
        self._clear()

    async def run(self, frames: Frames) -> None:
        """Until the frames end.

        Raises:
            FasterWhisperError: an utterance was lost; run again for those to come.
        """
        try:
            async for window in self._detect(frames):
                if window is None:
                    await self._finish()
                else:
                    await self._push(window)
            await self._finish()
        finally:
            self._clear()

    def _clear(self) -> None:
        for snapshot in (*getattr(self, "_pieces", ()), getattr(self, "_snapshot", None)):
            if snapshot is not None:
                snapshot.cancel()
        self._utterance: Utterance | None = None
        self._id = ""
        self._start_s = 0.0
        self._pieces: list[Snapshot] = []
        self._snapshot: Snapshot | None = None
        self._preflight: Snapshot | None = None
        self._agreement = Agreement()
        self._published = ""
        self._asked_s = 0.0

    # ---------------------------------------------------------------- windows

    async def _push(self, window: Window) -> None:
        endpointer = self._endpointer
        pause_s, paused_at_s = endpointer.silence_s, endpointer.end_s
        is_speech = endpointer.push(window)
        if self._utterance is None:
            self._wait(window)
            return
        if is_speech and self._utterance.wants_cut(pause_s):
            self._close_piece(paused_at_s, pause_s)
        self._utterance.push(window, is_speech)
        if self._utterance.must_cut:
            self._force_cut()
        if endpointer.ended and not self._awaits_more():
            await self._finish()
            return
        if self._options.early:
            self._decode_early()
            self._advance()

    def _awaits_more(self) -> bool:
        """Whether these words may go on and their speaker still has time for it."""
        silence_after, asked = self._options.silence_after, self._snapshot
        if silence_after is None or asked is None or not self._covers(asked):
            return False
        # a decode that is under way has the say: it is a window or two away
        heard = asked.transcript
        wanted_s = DECODED_WITHIN_S if heard is None else silence_after(heard.text)
        return self._endpointer.silence_s < wanted_s - 0.001

    def _wait(self, window: Window) -> None:
        """Between utterances: keeps what may be the beginning of the next."""
        self._before.append(window)
        kept_s = sum(w.duration_s for w in self._before)
        if not self._endpointer.speaking:
            while kept_s - self._before[0].duration_s >= BEFORE_SPEECH_S + 0.2:
                kept_s -= self._before.popleft().duration_s
            return
        now_s = self._endpointer.now_s
        self._id = uuid.uuid4().hex
        self._utterance = Utterance(tuple(self._before), now_s - kept_s)
        self._utterance.skip_quiet(self._endpointer.start_s, self._endpointer.floor_db)
        self._utterance.piece_speech_s = self._endpointer.speech_s
        self._before.clear()
        self._start_s = self._endpointer.start_s
        self._asked_s = self._start_s
        self._emit(
            stt.SpeechEvent(
                Type.START_OF_SPEECH,
                request_id=self._id,
                speech_start_time=time.time() - (now_s - self._start_s),
            )
        )

    # ---------------------------------------------------------------- decodes

    def _covers(self, snapshot: Snapshot | None) -> bool:
        """Whether it holds all speech heard so far and a little of the silence after it."""
        return (
            snapshot is not None
            and snapshot.useful
            and snapshot.end_s >= self._endpointer.end_s + 0.02
        )

    def _decode_early(self) -> None:
        endpointer, asked = self._endpointer, self._snapshot
        if self._covers(asked):
            return
        since_s = endpointer.now_s - self._asked_s
        if asked is not None and asked.failed and since_s < RETRY_AFTER_S:
            return
        if endpointer.silence_s >= self._options.speculation_silence_s - 0.001:
            self._ask(Priority.SPECULATIVE)
        elif (
            endpointer.speech_s >= FIRST_PARTIAL_S
            # one that begins in a pause would only keep the decode at its end waiting
            and endpointer.silence_s < 0.001
            and since_s >= max(PARTIAL_EVERY_S, 1.2 * self._compute_s)
            and (asked is None or asked.done)
        ):
            self._ask(Priority.PARTIAL)

    def _ask(self, priority: Priority) -> Snapshot | None:
        """Starts a decode of the piece so far, in place of the one before."""
        if self._snapshot is not None and not self._snapshot.done:
            self._snapshot.cancel()
        self._snapshot = self._snap(priority, self._endpointer.end_s)
        self._asked_s = self._endpointer.now_s
        return self._snapshot

    def _snap(self, priority: Priority, end_s: float) -> Snapshot:
        assert self._utterance is not None
        audio, audio_end_s = self._utterance.audio(end_s)
        request = TranscriptionRequest(
            call_id=self._call_id,
            request_id=f"{self._call_id}/{next(self._counter)}",
            audio=audio,
            priority=priority,
            languages=self._language.candidates,
            hotwords=self._options.hotwords,
            speech_s=max(self._utterance.piece_speech_s, 0.1),
        )
        snapshot = Snapshot(
            self._transcriber,
            request,
            start_s=self._utterance.piece_start_s,
            end_s=audio_end_s,
            on_done=lambda: self._on_done(snapshot),
        )
        return snapshot

    def _close_piece(self, paused_at_s: float, pause_s: float) -> None:
        """The pause before the present window ends the piece."""
        assert self._utterance is not None
        asked = self._snapshot
        if asked is None or not asked.useful or asked.end_s < paused_at_s + 0.02:
            if asked is not None:
                asked.cancel()
            asked = self._snap(Priority.SPECULATIVE, paused_at_s)
        self._pieces.append(asked)
        self._snapshot = None
        self._agreement = Agreement()
        self._utterance.cut(paused_at_s + pause_s / 2, 0.0)

    def _force_cut(self) -> None:
        assert self._utterance is not None
        at_s = self._utterance.forced_cut_s()
        if self._snapshot is not None:
            self._snapshot.cancel()
        self._pieces.append(self._snap(Priority.SPECULATIVE, at_s - 0.1))
        self._snapshot = None
        self._agreement = Agreement()
        self._utterance.cut(at_s, self._endpointer.now_s - at_s)

    # ---------------------------------------------------------------- transcripts

    def _on_done(self, snapshot: Snapshot) -> None:
        transcript = snapshot.transcript
        if transcript is None:
            return
        self._compute_s = transcript.compute_s
        if transcript.text:
            self._language.observe(
                transcript.language, transcript.language_probability, snapshot.speech_s
            )
        if snapshot is self._snapshot and transcript.reliable:
            self._advance(hypothesis=transcript.text)
        else:
            self._advance()

    def _advance(self, hypothesis: str | None = None) -> None:
        """Publishes what can be published now."""
        before = [p.transcript for p in self._pieces]
        if self._utterance is None or any(t is None for t in before):
            return
        earlier = join([t for t in before if t is not None])
        agreed = self._agreement.push(hypothesis) if hypothesis is not None else ""
        current = self._snapshot
        settled = (
            self._covers(current)
            and not self._endpointer.doubtful
            and self._endpointer.plausible
            and self._endpointer.silence_s >= self._options.preflight_silence_s - 0.001
        )
        if settled and current is not None and current.transcript is not None:
            text = " ".join(filter(None, (earlier, current.transcript.text)))
            if current is not self._preflight and text:
                self._preflight = current
                self._published = text
                self._publish(Type.PREFLIGHT_TRANSCRIPT, text, current.transcript)
                current.align()
            return
        text = " ".join(filter(None, (earlier, agreed)))
        if agreed and current is not None and not self._published.startswith(text):
            self._published = text
            self._publish(Type.INTERIM_TRANSCRIPT, text, current.transcript)

    async def _finish(self) -> None:
        """Ends the utterance, if there is one."""
        utterance, endpointer = self._utterance, self._endpointer
        if utterance is None:
            self._rest()
            return
        silence_s = endpointer.silence_s
        speech_end_time = time.time() - silence_s
        try:
            if endpointer.plausible:
                await self._finalise(utterance, speech_end_time)
            elif self._published:
                self._publish(Type.INTERIM_TRANSCRIPT, "", None)
        finally:
            usage = stt.RecognitionUsage(audio_duration=utterance.now_s - self._start_s)
            self._emit(
                stt.SpeechEvent(
                    Type.RECOGNITION_USAGE, request_id=self._id, recognition_usage=usage
                )
            )
            self._emit(
                stt.SpeechEvent(
                    Type.END_OF_SPEECH, request_id=self._id, speech_end_time=speech_end_time
                )
            )
            tail = utterance.tail(endpointer.end_s + 0.1)
            self._clear()
            self._rest()
            self._before.extend(tail)

    def _rest(self) -> None:
        self._before.clear()
        self._endpointer.reset()

    async def _finalise(self, utterance: Utterance, speech_end_time: float) -> None:
        snapshots = list(self._pieces)
        if utterance.piece_speech_s > 0:
            if not self._covers(self._snapshot):
                self._ask(Priority.FINAL)
            assert self._snapshot is not None
            snapshots.append(self._snapshot)
        transcripts: list[Transcript] = []
        words: list[Word] = []
        for snapshot in snapshots:
            transcript, found = await snapshot.settle()
            transcripts.append(transcript)
            words += found
        text = join(transcripts)
        if not text:
            if self._published:
                self._publish(Type.INTERIM_TRANSCRIPT, "", None)
            return
        event = self._event(Type.FINAL_TRANSCRIPT, text, summary(transcripts))
        event.speech_end_time = speech_end_time
        event.alternatives[0].words = timed(
            words, self._start_s, self._endpointer.end_s, self._offset_s
        )
        self._emit(event)

    def _publish(self, kind: stt.SpeechEventType, text: str, source: Transcript | None) -> None:
        self._emit(self._event(kind, text, source))

    def _event(
        self, kind: stt.SpeechEventType, text: str, source: Transcript | None
    ) -> stt.SpeechEvent:
        language = source.language if source else (*self._language.candidates, "en")[0]
        data = stt.SpeechData(
            language=LanguageCode(language),
            text=text,
            start_time=self._start_s + self._offset_s,
            end_time=self._endpointer.end_s + self._offset_s,
            confidence=source.confidence if source else 0.0,
        )
        return stt.SpeechEvent(kind, request_id=self._id, alternatives=[data])
