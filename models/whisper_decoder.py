"""Whisper's decoder, one most probable token after the other, for several utterances.

The same as openai-whisper's greedy decoding without timestamps, but without hooks on
the model, so that many threads may share it, and with the language chosen among a few.
What one utterance's words are does not depend on which others are decoded with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812  # the name everybody knows it by
from torch import Tensor
from whisper.model import TextDecoder, Whisper

from models.decoded import Decoded
from models.packed_linear import PackedLinear, Precision
from models.whisper_blocks import CrossAttention, FeedForward, SelfAttention
from models.whisper_tokens import WhisperTokens

_WEIGHED_AGAIN = 8
"""Tokens: eight bits move a logit by far less than what lies between so many."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: tensors do not compare
class Encoded:
    """The features of one utterance, and what its words may be.

    Attributes:
        features: of the encoder, shape ``(1, n_steps, n_state)``.
        language: ISO 639-1 code, or None to choose among the languages.
        limit: most tokens of text before giving up.
    """

    features: Tensor
    language: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class _Language:
    code: str
    probability: float


@dataclass(slots=True)
class _Row:
    """An utterance whose words are being found."""

    limit: int
    language: _Language
    no_speech: float
    tokens: list[int] = field(default_factory=list)
    logprob: float = 0.0
    ended: bool = False

    def take(self, token: int, logprob: float, end: int) -> bool:
        """Take the next token; return whether there are more to come."""
        self.logprob += logprob
        self.ended = token == end
        if self.ended or len(self.tokens) == self.limit:
            return False
        self.tokens.append(token)
        return True


@dataclass(frozen=True, slots=True)
class _Block:
    attention: SelfAttention
    cross: CrossAttention
    feed_forward: FeedForward


class _State:
    """Keys and values of a batch: of its features, and of its words so far."""

    def __init__(
        self, blocks: Sequence[_Block], features: Sequence[Tensor], n_tokens: int
    ) -> None:
        self._blocks = blocks
        self._cross = [
            [block.cross.remember(one) for one in features] for block in blocks
        ]
        # Room for every token at once: nothing is copied while the text grows.
        n_heads = blocks[0].attention.n_heads
        n_state = features[0].shape[2]
        shape = (len(features), n_heads, n_tokens, n_state // n_heads)
        self._said = [
            (features[0].new_empty(shape), features[0].new_empty(shape)) for _ in blocks
        ]
        self.length = 0

    def advance(self, x: Tensor) -> Tensor:
        """Run all blocks on the embeddings of the next tokens, ``(rows, n, state)``."""
        before, end = self.length, self.length + x.shape[1]
        mask = (
            torch.ones(x.shape[1], end, dtype=torch.bool, device=x.device).tril(before)
            if x.shape[1] > 1
            else None
        )
        for block, (keys, values), cross in zip(
            self._blocks, self._said, self._cross, strict=True
        ):
            query, key, value = block.attention.project(x)
            keys[:, :, before:end] = key
            values[:, :, before:end] = value
            heard = F.scaled_dot_product_attention(
                query, keys[:, :, :end], values[:, :, :end], attn_mask=mask
            )
            x = x + block.attention.out(heard)
            x = x + block.cross.hear(x, cross)
            x = x + block.feed_forward(x)
        self.length = end
        return x

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only."""
        self._said = [(key[rows], value[rows]) for key, value in self._said]
        self._cross = [[cross[row] for row in rows] for cross in self._cross]


class _Vocabulary:
    """How well each token follows. The choice is never left to a rounded number.

    With weights of eight bits, the best few, and what is asked for by name, are weighed
    again in float32: an error of the others moves a sum over all, and no choice.

    Args:
        embedding: of the tokens, shape ``(vocab, state)``.
        named: tokens whose exact weight is wanted.
        precision: of the rest of the decoder.
    """

    def __init__(
        self, embedding: Tensor, named: Sequence[int], precision: Precision
    ) -> None:
        self._embedding = embedding
        self._rounded = precision is Precision.INT8
        weighed_in = precision if self._rounded else Precision.FLOAT32
        self._all = PackedLinear(embedding, None, weighed_in)
        self._named = torch.tensor(list(named), device=embedding.device)

    def weigh(self, x: Tensor, allowed: Tensor | None) -> Tensor:
        """Return logits of ``(rows, state)``: ``(rows, vocab)``.

        Args:
            x: what the last block says.
            allowed: added to the logits: 0, or -inf for a token that cannot follow.
        """
        logits = self._all(x)
        if allowed is not None:
            logits += allowed
        if self._rounded:
            best = logits.topk(_WEIGHED_AGAIN, sorted=False).indices
            best = torch.cat([best, self._named.expand(len(x), -1)], dim=1)
            exact = (F.embedding(best, self._embedding) * x[:, None]).sum(-1)
            if allowed is not None:
                exact += allowed[best]
            logits.scatter_(1, best, exact)
        return logits


class GreedyDecoder:
    """Decodes features of several utterances at once. Thread-safe; only reads.

    The matrices of the blocks are copied: it does not keep the model in memory.

    Args:
        model: whose decoder to use.
        languages: ISO 639-1 codes to choose from where none is asked for.
        precision: what matrices are multiplied in.

    Raises:
        ValueError: the model does not know one of the languages.
    """

    def __init__(
        self,
        model: Whisper,
        languages: Sequence[str],
        precision: Precision = Precision.FLOAT32,
    ) -> None:
        decoder: TextDecoder = model.decoder
        self._embedding = decoder.token_embedding.weight
        self._positions = decoder.positional_embedding
        self._norm = decoder.ln
        self._device = model.device
        self._n_positions: int = model.dims.n_text_ctx
        self._blocks = [
            _Block(
                SelfAttention(block.attn_ln, block.attn, precision),
                CrossAttention(block.cross_attn_ln, block.cross_attn, precision),
                FeedForward(block, precision),
            )
            for block in decoder.blocks
        ]
        self.tokens = WhisperTokens(
            languages, model.num_languages if model.is_multilingual else 0
        )
        named = [*self.tokens.languages.values(), self.tokens.no_speech]
        self._vocabulary = _Vocabulary(self._embedding, named, precision)
        # -inf where a token is never text, and where it cannot be the first one.
        never = torch.zeros(model.dims.n_vocab)
        never[list(self.tokens.never)] = -torch.inf
        never[self.tokens.end + 1 :] = -torch.inf
        not_first = never.clone()
        not_first[list(self.tokens.not_first)] = -torch.inf
        self._never = never.to(model.device)
        self._not_first = not_first.to(model.device)

    def decode(self, features: Tensor, language: str | None, limit: int) -> Decoded:
        """Find the words of one utterance; see `decode_batch`."""
        return self.decode_batch([Encoded(features, language, limit)])[0]

    @torch.inference_mode()
    def decode_batch(self, batch: Sequence[Encoded]) -> list[Decoded]:
        """Find the words of several utterances, in the order of `batch`.

        Raises:
            ValueError: the model does not know one of the languages asked for.
        """
        for one in batch:
            if one.language is not None:
                self.tokens.prompt(one.language)
        most = self._n_positions // 2
        n_tokens = min(max(one.limit for one in batch), most) + 4
        state = _State(self._blocks, [one.features for one in batch], n_tokens)
        start = self._logits(state, [[self.tokens.start]] * len(batch), None)
        no_speech = start.softmax(1)[:, self.tokens.no_speech].tolist()
        rows = [
            _Row(min(one.limit, most), self._language(logits, one.language), silent)
            for one, logits, silent in zip(batch, start, no_speech, strict=True)
        ]
        prompts = [self.tokens.prompt(row.language.code) for row in rows]
        self._follow(rows, state, self._logits(state, prompts, self._not_first))
        return [self._decoded(row) for row in rows]

    def _follow(self, rows: Sequence[_Row], state: _State, logits: Tensor) -> None:
        """Take one token after the other, until every row has ended."""
        going = list(rows)
        while True:
            best = logits.argmax(1)
            chosen = logits.gather(1, best[:, None])[:, 0] - logits.logsumexp(1)
            more = [
                row.take(token, logprob, self.tokens.end)
                for row, token, logprob in zip(
                    going, best.tolist(), chosen.tolist(), strict=True
                )
            ]
            if not any(more):
                return
            if not all(more):
                kept = [index for index, goes_on in enumerate(more) if goes_on]
                going = [going[index] for index in kept]
                state.keep(kept)
            said = [row.tokens[-1:] for row in going]
            logits = self._logits(state, said, self._never)

    def _logits(
        self, state: _State, tokens: Sequence[Sequence[int]], allowed: Tensor | None
    ) -> Tensor:
        """Feed tokens to each row; return logits of what follows, ``(rows, vocab)``."""
        ids = torch.tensor(tokens, device=self._device)
        before, end = state.length, state.length + ids.shape[1]
        embedded = F.embedding(ids, self._embedding)
        x = state.advance(embedded + self._positions[before:end])
        return self._vocabulary.weigh(self._norm(x[:, -1]), allowed)

    def _language(self, start: Tensor, language: str | None) -> _Language:
        if language is not None:
            return _Language(language, 1.0)
        choices = self.tokens.languages
        if len(choices) == 1:
            return _Language(next(iter(choices)), 1.0)
        probabilities = start[list(choices.values())].softmax(0)
        best = int(probabilities.argmax())
        return _Language(list(choices)[best], float(probabilities[best]))

    def _decoded(self, row: _Row) -> Decoded:
        return Decoded(
            text=self.tokens.text_of(row.tokens),
            tokens=tuple(row.tokens),
            language=row.language.code,
            language_probability=row.language.probability,
            mean_logprob=row.logprob / (len(row.tokens) + 1),
            no_speech_probability=row.no_speech,
            ended=row.ended,
        )
