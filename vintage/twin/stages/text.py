"""Words, and numbers of words: `org.apache.spark.ml.feature`, Spark 4.1."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from vintage.twin import java
from vintage.twin.columns import Array, Column, Frame
from vintage.twin.description import Stage
from vintage.twin.registry import Evaluate, evaluates

_WHITE: Final = re.compile(r"\s", re.ASCII)


def _of_each(stage: Stage, function: Callable[[Any], list[str]]) -> Evaluate:
    """Return a stage that makes a list of words of each value."""
    columns = stage.columns()

    def evaluate(frame: Frame) -> Frame:
        made = {}
        for source, name in columns:
            column = frame[source]
            frame.require(~column.null, stage.kind, f"{source!r} is null")
            words = np.empty(len(column.values), dtype=object)
            words[:] = [function(value) for value in column.values]
            made[name] = Column.full(words)
        return frame.with_columns(made)

    return evaluate


@evaluates("Tokenizer")
def tokenizer(stage: Stage) -> Evaluate:
    """Return the words of a text between white space, in lower case."""
    return _of_each(stage, lambda text: java.split(_WHITE, text.lower()))


@evaluates("RegexTokenizer")
def regex_tokenizer(stage: Stage) -> Evaluate:
    """Return what matches the pattern, or what is between its matches, if it is long enough."""
    pattern = re.compile(stage.params["pattern"], re.ASCII)
    gaps, lower, shortest = (stage.params[name] for name in ("gaps", "toLowercase", "minTokenLength"))

    def tokens(text: str) -> list[str]:
        text = text.lower() if lower else text
        found = java.split(pattern, text) if gaps else [match[0] for match in pattern.finditer(text)]
        return [token for token in found if java.length(token) >= shortest]

    return _of_each(stage, tokens)


@evaluates("StopWordsRemover")
def stop_words_remover(stage: Stage) -> Evaluate:
    """Return the words that are no stop words."""
    words, exact = stage.params["stopWords"], stage.params["caseSensitive"]
    if exact:
        stopped = frozenset(words)
        return _of_each(stage, lambda terms: [term for term in terms if term not in stopped])
    lowered = frozenset(word.lower() for word in words)
    return _of_each(
        stage, lambda terms: [term for term in terms if term is None or term.lower() not in lowered]
    )


@evaluates("NGram")
def n_gram(stage: Stage) -> Evaluate:
    """Return each n words that follow each other, with a space between."""
    n = stage.params["n"]
    return _of_each(
        stage, lambda terms: [" ".join(terms[start : start + n]) for start in range(len(terms) - n + 1)]
    )


def _of_terms(stage: Stage, width: int, fill: Callable[[Array, list[str]], None]) -> Evaluate:
    """Return a stage that fills a vector from each list of words."""
    [(source, made)] = stage.columns()

    def evaluate(frame: Frame) -> Frame:
        column = frame[source]
        frame.require(~column.null, stage.kind, f"{source!r} is null")
        vectors = np.zeros((len(column.values), width))
        for vector, terms in zip(vectors, column.values, strict=True):
            fill(vector, terms)
        return frame.with_columns({made: Column.full(vectors)})

    return evaluate


@evaluates("CountVectorizerModel")
def count_vectorizer(stage: Stage) -> Evaluate:
    """Return how often each word of the vocabulary occurs; `minTF` below 1 is a part of the text's words."""
    slots = {word: slot for slot, word in enumerate(stage.one("vocabulary"))}
    least, binary = stage.number("minTF"), stage.params["binary"]

    def fill(vector: Array, terms: list[str]) -> None:
        for term in terms:
            if term in slots:
                vector[slots[term]] += 1.0
        vector[vector < (least if least >= 1 else least * len(terms))] = 0.0
        if binary:
            vector[vector > 0] = 1.0

    return _of_terms(stage, len(slots), fill)


@evaluates("Word2VecModel")
def word2vec(stage: Stage) -> Evaluate:
    """Return the mean of the words' vectors; a word without one counts as zeros."""
    vectors = np.asarray(stage.data["vector"], dtype=np.float64)
    known = dict(zip(stage.data["word"], vectors, strict=True))

    def fill(vector: Array, terms: list[str]) -> None:
        for term in terms:
            if term in known:
                vector += known[term]
        if terms:
            vector *= 1.0 / len(terms)

    return _of_terms(stage, vectors.shape[1], fill)
