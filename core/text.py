"""Running text as the model of Bengio et al. 2003 reads it: a Dataset whose symbols are words.

Train, dev and test follow each other in the text (§4 of the paper), 80 / 10 / 10, and contexts run
across the ends of sentences. The vocabulary is that of train: its most frequent words, those that
are too rare as one symbol. Before a part's first word stands `<s>`, as often as a context is long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.coded import Codes, Words
from core.dataset import SPLITS, Dataset, Split, SplitName, part
from core.places import Places
from core.tokens import PARAGRAPH, Splitting, tokens_of
from core.words import DatasetError

START, UNKNOWN = "<s>", "<unk>"
"""What stands before a part, and for every word that the vocabulary lacks: no tokens of a text."""
NO_WORDS = (0, 1)
"""Their indices in the vocabulary."""
SENTENCE_ENDS = (".", "!", "?", "।", "॥", "؟", "۔", "。", "！", "？", PARAGRAPH)
"""Tokens after which another sentence begins."""


@dataclass(frozen=True, eq=False)
class Text(Dataset):
    """A text, its vocabulary and its three parts. Its `words` are its tokens, as in a list."""

    vocabulary: tuple[str, ...]
    """`<s>`, `<unk>`, then words by falling count in train; of equal counts the earlier first."""
    splitting: Splitting = "letters"
    """How it was split into tokens, and what is typed is."""

    @classmethod
    def from_tokens(
        cls,
        tokens: Words,
        block_size: int,
        sha256: str,
        *,
        most: int,
        rare: int,
        splitting: Splitting = "letters",
    ) -> Text:
        """A text of these tokens; the vocabulary has at most `most` symbols, and no word that
        stands at most `rare` times in train. Raises DatasetError where nothing is left, which the
        caller says of which file.
        """
        assert block_size >= 1
        places = Places(tokens)
        numbers = places.numbers()
        counts = np.bincount(numbers[part("train", len(tokens))], minlength=len(places))
        order = np.lexsort((places.firsts, -counts))
        kept = order[counts[order] > rare][: most - len(NO_WORDS)]
        if len(kept) == 0:
            fault = f"no word stands more than {rare:,} times in the first 80 % of the text."
            cure = "Take a longer text, or a lower --rare; a list of names has no --level word."
            raise DatasetError(f"{fault} {cure}")
        vocabulary = (START, UNKNOWN, *tokens.picked(places.firsts[kept]))
        dtype = np.min_scalar_type(-len(vocabulary))
        index_of: Codes = np.full(len(places), vocabulary.index(UNKNOWN), dtype=dtype)
        index_of[kept] = np.arange(len(NO_WORDS), len(vocabulary))
        splits = {}
        for name in SPLITS:
            symbols = index_of[numbers[part(name, len(tokens))]]
            start = np.zeros(block_size, dtype=dtype)
            splits[name] = Split(np.concatenate([start, symbols]), block_size, len(symbols))
        return cls(tokens, tokens, block_size, 0, sha256, splits, vocabulary, splitting)

    @property
    def itos(self) -> tuple[str, ...]:
        """The vocabulary."""
        return self.vocabulary

    @property
    def lengths(self) -> NDArray[np.int32]:
        """(sentences,): how many words and marks each has, without the one that ends it.

        A sentence ends at one of SENTENCE_ENDS, the text's last one where the text does.
        """
        codes, starts = self.words.codes, self.words.starts[self.words.numbers]
        ends = np.isin(codes[starts], [self.words.stoi.get(end, 0) for end in SENTENCE_ENDS])
        at = np.flatnonzero(ends & (self.words.lengths == 1))
        lengths = np.diff(np.concatenate([[-1], at, [len(self.words)]])) - 1
        return np.asarray(lengths[lengths > 0], dtype=np.int32)

    @cached_property
    def unknown(self) -> dict[SplitName, float]:
        """Of each part the share of its words that the vocabulary lacks, 0 to 1."""
        index = self.vocabulary.index(UNKNOWN)
        return {
            name: float(np.mean(split.targets == index)) if split.examples else 0.0
            for name, split in self.splits.items()
        }

    def encode(self, text: str) -> list[int]:
        """The index of each token of `text`, that of `<unk>` for an unknown word."""
        unknown = self.stoi[UNKNOWN]
        return [self.stoi.get(token, unknown) for token in tokens_of(text, self.splitting)]

    def written(self, symbols: Iterable[int]) -> str:
        """Words by their index, as a context is shown."""
        return " ".join(self.itos[index] for index in symbols)
