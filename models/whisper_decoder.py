"""Whisper's decoder, one most probable token after the other.

The same as openai-whisper's greedy decoding without timestamps, but without hooks on
the model, so that many threads may share it, and with the language chosen among a few.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from torch import Tensor
from whisper.model import ResidualAttentionBlock, TextDecoder, Whisper
from whisper.tokenizer import Tokenizer, get_tokenizer

from models.whisper_encoder import join_heads, split_heads


@dataclass(frozen=True, slots=True)
class Decoded:
    """The words that the decoder found in features.

    Attributes:
        text: decoded, without space around it.
        tokens: what `text` is made of.
        language: ISO 639-1 code, the one asked for or the most probable one.
        language_probability: among the languages to choose from.
        mean_logprob: over the tokens and the end, natural logarithm.
        no_speech_probability: of the token that stands for no speech at all.
        ended: False where the limit of tokens came before the end of the text.
    """

    text: str
    tokens: tuple[int, ...]
    language: str
    language_probability: float
    mean_logprob: float
    no_speech_probability: float
    ended: bool


@dataclass(frozen=True, slots=True)
class _Language:
    code: str
    probability: float


class _Attention:
    """Keys and values of one utterance: of its features, and of its words so far."""

    def __init__(self, decoder: TextDecoder, features: Tensor, n_tokens: int) -> None:
        self._blocks: list[ResidualAttentionBlock] = list(decoder.blocks)
        self._cross = [
            (
                split_heads(block.cross_attn, block.cross_attn.key(features)),
                split_heads(block.cross_attn, block.cross_attn.value(features)),
            )
            for block in self._blocks
        ]
        # Room for every token at once: nothing is copied while the text grows.
        size = features.shape[2] // self._blocks[0].attn.n_head
        shape = (1, self._blocks[0].attn.n_head, n_tokens, size)
        self._said = [
            (features.new_empty(shape), features.new_empty(shape)) for _ in self._blocks
        ]
        self.length = 0

    def advance(self, x: Tensor) -> Tensor:
        """Run all blocks on the embeddings of the next tokens, ``(1, n, state)``."""
        before, end = self.length, self.length + x.shape[1]
        mask = (
            torch.ones(x.shape[1], end, dtype=torch.bool, device=x.device).tril(before)
            if x.shape[1] > 1
            else None
        )
        for block, (keys, values), cross in zip(
            self._blocks, self._said, self._cross, strict=True
        ):
            attention = block.attn
            normed = block.attn_ln(x)
            keys[:, :, before:end] = split_heads(attention, attention.key(normed))
            values[:, :, before:end] = split_heads(attention, attention.value(normed))
            query = split_heads(attention, attention.query(normed))
            heard = F.scaled_dot_product_attention(
                query, keys[:, :, :end], values[:, :, :end], attn_mask=mask
            )
            x = x + attention.out(join_heads(heard))
            attention = block.cross_attn
            query = split_heads(attention, attention.query(block.cross_attn_ln(x)))
            heard = F.scaled_dot_product_attention(query, *cross)
            x = x + attention.out(join_heads(heard))
            x = x + block.mlp(block.mlp_ln(x))
        self.length = end
        return x


class GreedyDecoder:
    """Decodes features of one utterance at a time. Thread-safe; only reads the model.

    Args:
        model: whose decoder to use.
        languages: ISO 639-1 codes to choose from where none is asked for.

    Raises:
        ValueError: the model does not know one of the languages.
    """

    def __init__(self, model: Whisper, languages: Sequence[str]) -> None:
        self._decoder: TextDecoder = model.decoder
        self._n_positions: int = model.dims.n_text_ctx
        self._multilingual: bool = model.is_multilingual
        self._tokenizer = _tokenizer(model)
        self._languages = tuple(languages)
        for code in self._languages:
            self._language_tokens(code)
        # -inf where a token is never text, and where it cannot be the first one.
        never = torch.zeros(model.dims.n_vocab)
        never[list(self._tokenizer.non_speech_tokens)] = -torch.inf
        never[self._tokenizer.eot + 1 :] = -torch.inf
        not_first = never.clone()
        not_first[[*self._tokenizer.encode(" "), self._tokenizer.eot]] = -torch.inf
        self._never = never.to(model.device)
        self._not_first = not_first.to(model.device)

    @torch.inference_mode()
    def decode(self, features: Tensor, language: str | None, limit: int) -> Decoded:
        """Find the words in the features of one utterance.

        Args:
            features: of the encoder, shape ``(1, n_steps, n_state)``.
            language: ISO 639-1 code, or None to choose among the languages.
            limit: most tokens of text before giving up.

        Raises:
            ValueError: the model does not know the language.
        """
        tokenizer = self._tokenizer
        limit = min(limit, self._n_positions // 2)
        attention = _Attention(self._decoder, features, limit + 4)
        start = self._logits(attention, [tokenizer.sot])
        found = self._language(start, language)
        prompt = [*self._language_tokens(found.code), tokenizer.no_timestamps]
        logits = self._logits(attention, prompt) + self._not_first
        tokens: list[int] = []
        logprob = 0.0
        while True:
            token = int(logits.argmax())
            logprob += float(logits[token] - logits.logsumexp(0))
            ended = token == tokenizer.eot
            if ended or len(tokens) == limit:
                break
            tokens.append(token)
            logits = self._logits(attention, [token]) + self._never
        return Decoded(
            text=tokenizer.decode(tokens).strip(),
            tokens=tuple(tokens),
            language=found.code,
            language_probability=found.probability,
            mean_logprob=logprob / (len(tokens) + 1),
            no_speech_probability=float(start.softmax(0)[tokenizer.no_speech]),
            ended=ended,
        )

    def text_of(self, tokens: Sequence[int]) -> str:
        """Return the text that tokens stand for."""
        text: str = self._tokenizer.decode(list(tokens))
        return text.strip()

    def _logits(self, attention: _Attention, tokens: list[int]) -> Tensor:
        """Feed tokens; return the logits of what follows, ``(n_vocab,)``."""
        decoder = self._decoder
        before = attention.length
        ids = torch.tensor([tokens], device=self._never.device)
        positions = decoder.positional_embedding[before : before + len(tokens)]
        x = attention.advance(decoder.token_embedding(ids) + positions)
        last = decoder.ln(x[:, -1])
        return F.linear(last, decoder.token_embedding.weight)[0]

    def _language(self, start: Tensor, language: str | None) -> _Language:
        if language is not None:
            return _Language(language, 1.0)
        if not self._multilingual or len(self._languages) == 1:
            return _Language(self._languages[0], 1.0)
        tokens = [self._tokenizer.to_language_token(code) for code in self._languages]
        probabilities = start[tokens].softmax(0)
        best = int(probabilities.argmax())
        return _Language(self._languages[best], float(probabilities[best]))

    def _language_tokens(self, code: str) -> list[int]:
        """Tokens that ask for a transcript in a language."""
        if not self._multilingual:
            if code != "en":
                raise ValueError(f"the model knows only en, got language {code!r}")
            return []
        try:
            language: int = self._tokenizer.to_language_token(code)
        except KeyError as error:
            raise ValueError(f"the model knows no language {code!r}") from error
        return [language, self._tokenizer.transcribe]


def _tokenizer(model: Whisper) -> Tokenizer:
    with warnings.catch_warnings():
        # openai-whisper leaves the file of its vocabulary to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        return get_tokenizer(
            model.is_multilingual,
            num_languages=model.num_languages,
            language="en",
            task="transcribe",
        )
