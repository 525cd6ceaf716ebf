"""Vectors of single words, from a package that carries them."""

import functools
from pathlib import Path

import numpy as np

BATCH = 4096


@functools.cache
def _model():
    # On import it sets up logging for the whole program; Snakemake would then print each of its lines twice.
    import wordllama  # noqa: PLC0415

    # The package carries vectors and tokeniser; named as cache, its own folder is where both are looked for,
    # and nothing is ever fetched.
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


def word_vectors(words):
    """Vectors of single words; float32, shape (n_words, 256). Of a word of unknown characters: zeros."""
    words = [str(word) for word in words]
    parts = [_model().embed(words[at : at + BATCH], norm=False) for at in range(0, len(words), BATCH)]
    vectors = np.vstack(parts) if parts else np.zeros((0, 256), dtype=np.float32)
    return np.nan_to_num(vectors.astype(np.float32))
