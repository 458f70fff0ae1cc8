"""Normal forms of prompts, word n-grams and their hashes: independent of process and PYTHONHASHSEED."""

import hashlib
import re
import unicodedata

_SPACES = re.compile(r"\s+")
_WORDS = re.compile(r"\w+|[^\w\s]")


def normalised(text: str) -> str:
    """``text`` as duplicates see it: NFKC, case folded, runs of white space as one space."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def digest64(*parts: str) -> int:
    """A 64-bit hash of the parts, the same in every process and run.

    Two of a million different texts collide with a chance of about 3e-8.
    """
    data = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def content_id(prefix: str, *parts: str) -> str:
    """A stable sample id: the prefix and 12 hex digits of the parts' sha256."""
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}-{digest[:12]}"


def word_grams(text: str, size: int) -> set[int]:
    """Hashes of the ``size``-grams of words and signs; a shorter text is one gram as a whole."""
    words = _WORDS.findall(normalised(text))
    if len(words) <= size:
        return {digest64(*words)} if words else set()
    return {digest64(*words[start : start + size]) for start in range(len(words) - size + 1)}
