"""Writes test/fixtures/split-patterns.json: how Hugging Face's tokenizers (pip install tokenizers==0.23.2) splits texts by
patterns that published tokenizer files use. Run: python scripts/make-split-fixture.py"""
import json, pathlib
from tokenizers import Regex, pre_tokenizers

patterns = [
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    r" ?[^(\s|[.,!?…。，、।۔،])]+",
    r"\p{N}{1,3}", r"[0-9]{3}+", r"\p{Nd}{1,3}+", r"(?:\r?\n)+(?!\r?\n)", r"\s?\p{L}+", r"\d{1,3}(?=(?:\d{3})*\b)",
    r"(?<=[\u0980-\u09ff]):", r"(?<!\n)^ ", r"\s+$", r"\s+|\w+|[^\w\s]+", r"[\w-]+@([\w-]+\.)+[\w-]+", r"</?[^>]+>",
    r"[[:alpha:]]+", r"[[:digit:][:space:]]+", r"(?i:[a-f]+)", r"(?i:x\w)", r"\h+", r"\H+", r"abc\Z", r"abc\z", r"\Aabc", r"}", r"{",
    r"a{,3}", r"\A\p{Nd}{3}|\G\p{Nd}{3}", r"(?>a+)b|a", r"a++b|.", r"[a-z&&[^aeiou]]+", r"[^\p{L}\p{^N}]", r"\P{L}+",
    r"\p{Han}+|\p{Hiragana}+|\p{Hangul}+", r"(?x) a b # comment", r"\bthe\b|\B.", r"(?:foo|bar)*?baz|.",
    r"[-a-z]+|[a\-z]|[]x]", r"(https?://)?(www\.)?[-a-zA-Z0-9@:%._\+~#=]{2,256}\.[a-z]{2,6}\b([-a-zA-Z0-9@:%_\+.~#?&//=]*)",
]
texts = [
    "Hello, world! 123 can't stop.", "WE'RE here, Aujourd’hui AUJOURD’HUI.", "hello שלום café नमस्ते مرحبا_١٢٣",
    "abc 123 १२३ room ４２ ٣ apples 1234567", "中文かなカナ 한국어 ไทย Lao ລາວ မြန်မာ", "https://example.com/path?x=1 www.example.com foo@example.com url",
    " leading\nline\n leading\tword  ", "<br /](https://file+.net/)> <tag>text</tag>", "বাংলা: text অ:আ", "foo---bar hello!!!?? ((test))",
    "trail \rnext  line end abc\r\n", "a‿b x①y Ⅻ z² ¼cup ⓐⓑ a·b", " a1 z1 ef G5 ß STRASSE İstanbul straſſe K", " \u3000 1234 567890",
    "\u0085x\ufeffy 'ſ don'T\u0301", "👍🏽 👨‍👩‍👧 e\u0301e\u0301 A\u0301B", "foobarbaz aaab aab", "abc\n", "{a}b{c}", "",
]
cases = []
for pattern in patterns:
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    cases.append({"pattern": pattern, "splits": [[piece for piece, _ in split.pre_tokenize_str(text)] for text in texts]})
target = pathlib.Path(__file__).parent.parent / "test/fixtures/split-patterns.json"
target.write_text(json.dumps({"texts": texts, "cases": cases}, ensure_ascii=True, indent=0) + "\n")
