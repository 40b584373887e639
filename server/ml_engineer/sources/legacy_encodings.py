"""Which of the encodings before Unicode a text is in.

Two questions, each answered by what is best at it. Words made of bytes beyond ASCII throughout are of another script,
and the statistics of charset-normalizer tell which. Words with a few such bytes are Latin, where those statistics
mix up Western, Central European and Turkish; the letters that each language has do not.
"""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["guess_legacy_encoding"]

_OTHER_SCRIPTS = ["cp1251", "cp1253", "cp1255", "cp1256", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]
_LETTERS = {
    "cp1252": ("àâçéèêëîïôùûüÿœæ", "äöüß", "áéíñóúü", "áâãàçéêíóôõú", "àèéìòù", "åäöæøé", "áéíóúýðþæö", "éëïóöü"),
    "cp1250": ("áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "ąćęłńóśźż", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
    "cp1254": ("çğıöşüâîû",),
}
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_UNDEFINED_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"
_SAMPLE = 1 << 16
_CLEARLY = 0.03
_PUNCTUATION = frozenset("\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014\u2026\u2022«»£€§°\u00b4¨\xa0")


def guess_legacy_encoding(sample: bytes) -> str:
    """The likeliest encoding of `sample`, which is no UTF-8."""
    words = _WORD.findall(sample)
    beyond = [sum(byte > 127 for byte in word) for word in words]
    # Two-byte scripts use ASCII letters as second bytes, so half of a foreign word may be ASCII.
    foreign = b"".join(word for word, high in zip(words, beyond, strict=True) if high > 1 and 2 * high >= len(word))
    latin = b" ".join(word for word, high in zip(words, beyond, strict=True) if 0 < 2 * high < len(word))
    # A few signs beyond ASCII in a row are no words of another script, but damage or decoration.
    if len(foreign) > max(0.05 * sum(map(len, words)), len(latin)):
        # Hebrew has no capitals and no letters after 0xFA, which no Cyrillic text goes without for long.
        if len(foreign) > 15 and all(0xE0 <= byte <= 0xFA for byte in foreign):
            return "cp1255"
        from charset_normalizer import from_bytes  # seldom needed, and slow to import

        best = from_bytes(sample[:_SAMPLE], cp_isolation=_OTHER_SCRIPTS).best()
        if best is not None:
            return best.encoding
    fits = {encoding: _fit(latin, encoding) for encoding in _LETTERS}
    likeliest = max(fits, key=lambda encoding: fits[encoding])
    # Western is by far the commonest: another one must fit clearly better.
    if fits[likeliest] < fits["cp1252"] + _CLEARLY:
        likeliest = "cp1252"
    if likeliest == "cp1252" and any(byte in _UNDEFINED_IN_CP1252 for byte in sample):
        return "latin-1"
    return likeliest


def _fit(words: bytes, encoding: str) -> float:
    """Largest share of the letters beyond ASCII that belong to one language written in `encoding`."""
    text = words.decode(encoding, errors="replace").lower().replace("i\u0307", "i")
    counts = Counter(character for character in text if ord(character) > 127 and character not in _PUNCTUATION)
    total = sum(counts.values()) or 1
    languages = [sum(counts[letter] for letter in set(language)) for language in _LETTERS[encoding]]
    together = sum(counts[letter] for letter in set("".join(_LETTERS[encoding])))
    # Several languages in one file are likelier than none, and less likely than one.
    return max(*languages, 0.95 * together) / total
