"""One decode, start to end, on the calling thread: features, encoder, tokens, checks, word times.

`faster_whisper.WhisperModel.transcribe` pads everything to 30 s; here the window is trimmed to
the speech. Knows nothing of queues, calls or event loops.
"""

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from . import guards
from .errors import DecodeError, LanguageError
from .scheduler import Stopped
from .transcriber import (
    SAMPLE_RATE_HZ,
    Audio,
    Priority,
    Transcript,
    TranscriptionRequest,
    Word,
)

if TYPE_CHECKING:
    from faster_whisper import WhisperModel  # type: ignore[import-untyped]

FRAMES_PER_S = 100
FULL_FRAMES = 3000
POSITION_S = 0.02
# speech that ends at the very edge of its window loses words: WER 4.1 % with 0.1 s, 0.7 % from
# 0.4 s on (starter model); stock models were measured with 2 s
MARGIN_FRAMES = 50
LONGEST_PROMPT = 200
MAX_LENGTH = 448

NOTHING = Transcript(text="", language="en")


class Encoded:
    """What the encoder made of one request's audio."""

    def __init__(self, states: Any, frames: int) -> None:
        self.states = states
        self.frames = frames


class Decoder:
    """Thread-safe: every method works on its arguments and the loaded model alone."""

    def __init__(
        self, model: "WhisperModel", windows_s: tuple[float, ...], beam_size: int = 5
    ) -> None:
        from ctranslate2 import StorageView  # type: ignore[import-untyped]

        self._model = model
        self._view = StorageView
        self._beam_size = beam_size
        self._multilingual: bool = model.model.is_multilingual
        self._windows = [self._allowed(round(w * FRAMES_PER_S)) for w in windows_s]
        self._tokenizers: dict[str, Any] = {}

    def check_languages(self, languages: tuple[str, ...]) -> None:
        """
        Raises:
            LanguageError: the model doesn't know one of them.
        """
        known = self._model.supported_languages if self._multilingual else ["en"]
        for language in languages:
            if language not in known:
                raise LanguageError(
                    f"language {language!r}: this model knows "
                    + (
                        f"{len(known)} languages, this one is not among them"
                        if len(known) > 1
                        else "'en' alone"
                    )
                )

    def decode(
        self, request: TranscriptionRequest, stopped: Stopped
    ) -> tuple[Transcript, Encoded | None]:
        """Audio -> text. Between native calls it asks `stopped` and gives up when it is true.

        Raises:
            RequestError, LanguageError, DecodeError
        """
        began = time.perf_counter()
        request.check()
        self.check_languages(request.languages)
        features = self._features(request.audio)
        if stopped():
            return NOTHING, None
        try:
            return self._decode(request, features, stopped, began)
        except (RuntimeError, ValueError) as e:
            raise DecodeError(f"CTranslate2: {e}") from e

    def _decode(
        self, request: TranscriptionRequest, features: Audio, stopped: Stopped, began: float
    ) -> tuple[Transcript, Encoded | None]:
        speech_s = request.speech_s or len(request.audio) / SAMPLE_RATE_HZ
        encoded = self._encode(features, self._window(features.shape[1]))
        if stopped():
            return NOTHING, None
        language, probability = self._language(encoded, request.languages)
        tokens, logprob, no_speech, capped = self._generate(
            encoded, language, request.hotwords, speech_s
        )
        text = self._text(tokens, language)
        silent = guards.is_silence(logprob, no_speech)
        lost = not silent and guards.looks_lost(text, logprob, capped, speech_s)
        if lost and request.priority is not Priority.PARTIAL and not stopped():
            # what a short window or a prompt did to the text, the full window without one doesn't
            encoded = self._encode(features, FULL_FRAMES)
            if stopped():
                return NOTHING, None
            tokens, logprob, no_speech, capped = self._generate(encoded, language, "", speech_s)
            text = self._text(tokens, language)
            silent = guards.is_silence(logprob, no_speech)
            lost = False  # no other decode will tell more
        if silent or guards.is_invented(text, logprob, no_speech, speech_s):
            text, tokens = "", []
        transcript = Transcript(
            text=text,
            language=language,
            language_probability=probability,
            confidence=math.exp(min(0.0, logprob)),
            no_speech_prob=no_speech,
            reliable=not lost,
            tokens=tuple(tokens),
            compute_s=time.perf_counter() - began,
        )
        return transcript, encoded

    def align(
        self,
        request: TranscriptionRequest,
        transcript: Transcript,
        encoded: Encoded | None,
        stopped: Stopped,
    ) -> tuple[Word, ...]:
        """Word times by cross-attention.

        Raises:
            RequestError, DecodeError
        """
        if not transcript.tokens:
            return ()
        request.check()
        tokenizer = self._tokenizer(transcript.language)
        try:
            if encoded is None:
                features = self._features(request.audio)
                encoded = self._encode(features, self._window(features.shape[1]))
            if stopped():
                return ()
            found = self._model.find_alignment(
                tokenizer, [list(transcript.tokens)], encoded.states, encoded.frames
            )[0]
        except (RuntimeError, ValueError, IndexError) as e:
            raise DecodeError(f"CTranslate2: {e}") from e
        words: list[Word] = []
        spaced = transcript.text.count(" ") >= len(found) // 8
        for w in found:
            text = w["word"]
            # "o", "'clock" are one word; languages without spaces have none to go by
            part = not text.startswith(" ") and (spaced or not any(map(str.isalnum, text)))
            if words and part:
                last = words[-1]
                end_s = float(w["end"]) if any(map(str.isalnum, text)) else last.end_s
                words[-1] = Word(last.text + text.strip(), last.start_s, end_s, last.confidence)
            elif text.strip():
                words.append(
                    Word(text.strip(), float(w["start"]), float(w["end"]), float(w["probability"]))
                )
        return tuple(words)

    def _features(self, audio: Audio) -> Audio:
        features: Audio = self._model.feature_extractor(audio)[..., :-1]
        return features

    def _window(self, frames: int) -> int:
        return next((w for w in self._windows if w >= frames + MARGIN_FRAMES), FULL_FRAMES)

    def _allowed(self, frames: int) -> int:
        # CTranslate2 takes a tensor of n_mels positions for features and encodes it once more,
        # to nonsense
        frames += frames % 2
        return frames + 2 if frames // 2 == self._model.model.n_mels else frames

    def _encode(self, features: Audio, window: int) -> Encoded:
        frames = min(features.shape[1], window)
        padded = np.zeros((1, features.shape[0], window), np.float32)
        padded[0, :, :frames] = features[:, :frames]
        return Encoded(self._model.model.encode(self._view.from_array(padded)), frames)

    def _language(self, encoded: Encoded, languages: tuple[str, ...]) -> tuple[str, float]:
        if len(languages) == 1:
            return languages[0], 1.0
        if not self._multilingual:
            return "en", 1.0
        found = self._model.model.detect_language(encoded.states)[0]
        known = {token[2:-2]: p for token, p in found}
        allowed = {x: known.get(x, 0.0) for x in languages} if languages else known
        best = max(allowed, key=lambda x: allowed[x])
        return best, allowed[best] / (sum(allowed.values()) or 1.0)

    def _generate(
        self, encoded: Encoded, language: str, hotwords: str, speech_s: float
    ) -> tuple[list[int], float, float, bool]:
        """-> tokens, average log probability, probability of no speech, whether the cap was hit"""
        tokenizer = self._tokenizer(language)
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        if hotwords.strip():
            before = tokenizer.encode(" " + hotwords.strip())[:LONGEST_PROMPT]
            prompt = [tokenizer.sot_prev, *before, *prompt]
        cap = min(MAX_LENGTH // 2, int(8 + 7 * speech_s))
        # CTranslate2 generates min(max_length / 2, max_length - prompt) tokens
        result = self._model.model.generate(
            encoded.states,
            [prompt],
            beam_size=self._beam_size,
            max_length=min(MAX_LENGTH, max(2 * cap, cap + len(prompt))),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = [t for t in result.sequences_ids[0] if t < tokenizer.eot]
        # the score is the mean over the tokens; the end token belongs to it
        logprob = result.scores[0] * len(tokens) / (len(tokens) + 1) if tokens else 0.0
        return tokens, logprob, result.no_speech_prob, len(tokens) >= cap

    def _text(self, tokens: list[int], language: str) -> str:
        text: str = self._tokenizer(language).decode(tokens)
        return " ".join(text.split())

    def _tokenizer(self, language: str) -> Any:
        if language not in self._tokenizers:
            from faster_whisper.tokenizer import Tokenizer  # type: ignore[import-untyped]

            self._tokenizers[language] = Tokenizer(
                self._model.hf_tokenizer, self._multilingual, task="transcribe", language=language
            )
        return self._tokenizers[language]
