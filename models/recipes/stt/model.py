"""The starter recogniser's network: Whisper's, small, with counted padding.

Whisper always sees 30 s: the speech, then padding. Computing 1500 positions for 3 s of speech is a waste, so the
padding is sampled: `EXTRA` of its positions stand for all, and attention counts each as many times as it stands for
(the logarithm of that number is added to its scores). What is learned is an ordinary Whisper.
"""

import math

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import WhisperConfig, WhisperForConditionalGeneration

from .shape import DECODER_LAYERS, DIM, ENCODER_LAYERS, HEADS, POSITIONS

EXTRA = 32
PHONES = {
    phone: i
    for i, phone in enumerate(
        (
            "aa ae ah ao aw ax ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p pau r s sh t th "
            "uh uw v w y z zh"
        ).split()
    )
}


def new_model(tokenizer: Tokenizer) -> WhisperForConditionalGeneration:
    end, start = (
        tokenizer.token_to_id("<|endoftext|>"),
        tokenizer.token_to_id("<|startoftranscript|>"),
    )
    return WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=tokenizer.get_vocab_size(),
            d_model=DIM,
            encoder_layers=ENCODER_LAYERS,
            decoder_layers=DECODER_LAYERS,
            encoder_attention_heads=HEADS,
            decoder_attention_heads=HEADS,
            encoder_ffn_dim=4 * DIM,
            decoder_ffn_dim=4 * DIM,
            max_source_positions=POSITIONS,
            max_target_positions=448,
            pad_token_id=end,
            bos_token_id=end,
            eos_token_id=end,
            decoder_start_token_id=start,
        )
    )


class Recogniser(nn.Module):
    """The Whisper network, and a head that names phones: only training uses it."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.whisper = new_model(tokenizer)
        self.phones = nn.Linear(DIM, len(PHONES))
        self.whisper.model.encoder.embed_positions.weight.requires_grad_(False)

    def encode(self, x: Tensor, quiet: Tensor, end: int) -> tuple[Tensor, Tensor, int]:
        """Features -> (states [batch + few, time + EXTRA, DIM], bias of the keys, time).

        Args:
            x: [batch, 80, frames], speech.
            quiet: [few, 80, 2 * end], windows without speech.
            end: how many positions the window has; as many as the speech, or more.
        """
        encoder = self.whisper.model.encoder
        h = self._convolved(x)
        time = h.shape[1]
        where = torch.arange(time, device=x.device)
        bias = torch.zeros(time, device=x.device)
        if end > time:
            padding = self._convolved(torch.zeros(1, 80, 40, device=x.device))[:, 10]
            extra = torch.randperm(end - time, device=x.device)[:EXTRA].sort().values + time
            h = torch.cat([h, padding[:, None].expand(len(h), len(extra), DIM)], 1)
            where = torch.cat([where, extra])
            stands_for = math.log((end - time) / len(extra))
            bias = torch.cat([bias, torch.full((len(extra),), stands_for, device=x.device)])
        if len(quiet):
            h = torch.cat([h, self._convolved(quiet)[:, where]])
        h = h + encoder.embed_positions.weight[where]
        bias = bias[None, None, None]
        for layer in encoder.layers:
            n = layer.self_attn_layer_norm(h)
            h = h + attend(layer.self_attn, n, n, bias)
            h = h + layer.fc2(F.gelu(layer.fc1(layer.final_layer_norm(h))))
        return encoder.layer_norm(h), bias, time

    def decode(self, given: Tensor, states: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens [batch, length] -> (logits [batch, length, vocabulary], where the last layer listened).

        The second is [batch, heads, length, keys], and sums to 1 over the keys.
        """
        decoder = self.whisper.model.decoder
        h = decoder.embed_tokens(given) + decoder.embed_positions.weight[: given.shape[1]]
        for layer in decoder.layers:
            n = layer.self_attn_layer_norm(h)
            h = h + attend(layer.self_attn, n, n, causal=True)
            heard, listened = listen(
                layer.encoder_attn, layer.encoder_attn_layer_norm(h), states, bias
            )
            h = h + heard
            h = h + layer.fc2(F.gelu(layer.fc1(layer.final_layer_norm(h))))
        return self.whisper.proj_out(decoder.layer_norm(h)), listened

    def _convolved(self, x: Tensor) -> Tensor:
        encoder = self.whisper.model.encoder
        return F.gelu(encoder.conv2(F.gelu(encoder.conv1(x)))).transpose(1, 2)


def attend(
    block: nn.Module, x: Tensor, memory: Tensor, bias: Tensor | None = None, causal: bool = False
) -> Tensor:
    q, k, v = heads(block.q_proj(x)), heads(block.k_proj(memory)), heads(block.v_proj(memory))
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, is_causal=causal)
    return block.out_proj(y.transpose(1, 2).reshape(x.shape))


def listen(block: nn.Module, x: Tensor, memory: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """As `attend`, with the weights [batch, heads, length, keys]."""
    q, k, v = heads(block.q_proj(x)), heads(block.k_proj(memory)), heads(block.v_proj(memory))
    weights = (q @ k.mT / math.sqrt(DIM // HEADS) + bias).softmax(-1)
    y = weights @ v
    return block.out_proj(y.transpose(1, 2).reshape(x.shape)), weights


def heads(t: Tensor) -> Tensor:
    return t.view(t.shape[0], t.shape[1], HEADS, DIM // HEADS).transpose(1, 2)
