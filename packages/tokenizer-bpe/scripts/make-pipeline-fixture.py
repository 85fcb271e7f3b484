"""Writes test/fixtures/pipelines.json: small tokenizers of every kind made by Hugging Face's tokenizers (pip install
tokenizers==0.23.2), texts, and the ids and decoded texts it gives. Run: python scripts/make-pipeline-fixture.py CORPUS.txt"""
import json, pathlib, sys
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

corpus = pathlib.Path(sys.argv[1]).read_text(encoding="utf8").split("\n")[:4000] + ["Ünïcödé café naïve 中文字符 한국어 1234 👍🏽 <s>"] * 3
texts = [
    "Hello, world! It's 1234 o'clock; don't PANIC…", "  two  spaces\tand\nnew lines \r\n end ", "Café naïve Ünïcödé ﬁne ①② Ａｂｃ",
    "中文字符 mixed 한국어 かな", "👍🏽 👨‍👩‍👧 zwj e\u0301 \u0000 \ufeff bom \u200b", "<s>[MASK] x [MASK]. <pad>y</s> word<new>word <new> x",
    "", " ", "a", "Ｔｈｅ ＱＵＩＣＫ Σίσυφος ΣΑΣ İstanbul ß", "supercalifragilisticexpialidocious antidisestablishmentarianism", "x\u0085y\u00a0z\u3000w ▁under▁score_",
    "The cat , the dog . do not go ! I 'm here n't", "100,000.50$ -- (parens) [brackets] {braces}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " * 3,
]
SPECIAL = ["<unk>", "<s>", "</s>", "<pad>", "[MASK]"]

def bpe(**options): return Tokenizer(models.BPE(**options))
def train_bpe(tokenizer, **options): tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=700, show_progress=False, special_tokens=SPECIAL, **options))
made = {}

t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
t.normalizer = normalizers.BertNormalizer(); t.pre_tokenizer = pre_tokenizers.BertPreTokenizer(); t.decoder = decoders.WordPiece()
t.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=700, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
t.add_special_tokens([AddedToken("[MASK]", lstrip=True)]); t.add_tokens([AddedToken("<new>", single_word=True)])
made["bert uncased"] = t

t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
t.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=True); t.pre_tokenizer = pre_tokenizers.BertPreTokenizer(); t.decoder = decoders.WordPiece(cleanup=False)
t.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=700, show_progress=False, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
made["bert cased"] = t

t = Tokenizer(models.Unigram())
t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(" {2,}"), " ")])
t.pre_tokenizer = pre_tokenizers.Metaspace(); t.decoder = decoders.Metaspace()
t.train_from_iterator(corpus, trainers.UnigramTrainer(vocab_size=600, show_progress=False, special_tokens=SPECIAL, unk_token="<unk>"))
t.post_processor = processors.TemplateProcessing(single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 2)])
made["unigram"] = t

t = bpe(byte_fallback=True, fuse_unk=True, unk_token="<unk>")
t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
train_bpe(t, initial_alphabet=[], limit_alphabet=120)
state = json.loads(t.to_str()); vocab = state["model"]["vocab"]
for b in range(256): vocab.setdefault(f"<0x{b:02X}>", len(vocab))
t = Tokenizer.from_str(json.dumps(state))
t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
made["llama 2"] = t

t = bpe(unk_token="<unk>", end_of_word_suffix="</w>"); t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
t.pre_tokenizer = pre_tokenizers.Split(Regex(r"<\|startoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), "removed", invert=True)
train_bpe(t, end_of_word_suffix="</w>"); t.decoder = decoders.BPEDecoder()
made["clip"] = t

t = bpe(unk_token="<unk>", continuing_subword_prefix="##"); t.pre_tokenizer = pre_tokenizers.Whitespace(); train_bpe(t, continuing_subword_prefix="##"); made["continuing prefix"] = t

t = bpe(); t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True); train_bpe(t, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
t.decoder = decoders.ByteLevel(); t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1)); t.add_special_tokens([AddedToken("[MASK]", lstrip=True, rstrip=True)])
made["roberta"] = t

t = bpe(); t.normalizer = normalizers.NFC()
t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
train_bpe(t, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()); t.decoder = decoders.ByteLevel(); t.add_tokens(["<new>", AddedToken("o'clock", single_word=True)])
made["qwen 2"] = t

t = bpe(); t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"[\r\n]"), "isolated"), pre_tokenizers.Split(Regex(r"\s?\p{L}+"), "isolated"), pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
train_bpe(t, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()); t.decoder = decoders.ByteLevel(); made["deepseek"] = t

t = Tokenizer(models.WordLevel(unk_token="<unk>")); t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous")])
t.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.NFD(), normalizers.StripAccents(), normalizers.Nmt()])
t.train_from_iterator(corpus, trainers.WordLevelTrainer(vocab_size=700, show_progress=False, special_tokens=SPECIAL)); made["word level"] = t

t = bpe(unk_token="<unk>"); t.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False); train_bpe(t); t.decoder = decoders.Metaspace(prepend_scheme="first"); made["metaspace first"] = t
t = bpe(ignore_merges=True); t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False); train_bpe(t, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
state = json.loads(t.to_str()); state["model"]["vocab"]["clock"] = len(state["model"]["vocab"]); t = Tokenizer.from_str(json.dumps(state)); t.decoder = decoders.ByteLevel(); made["ignore merges"] = t
t = bpe(unk_token="<unk>"); t.pre_tokenizer = pre_tokenizers.CharDelimiterSplit(" "); t.normalizer = normalizers.NFKD(); train_bpe(t, limit_alphabet=40); t.decoder = decoders.CTC(); made["ctc"] = t

cases = []
for name, t in made.items():
    plain = [t.encode(text, add_special_tokens=False).ids for text in texts]
    pair = t.encode(texts[0], texts[2])
    cases.append({
        "name": name, "file": json.loads(t.to_str()), "ids": [t.encode(text).ids for text in texts], "plain": plain,
        "decoded": [t.decode(ids, skip_special_tokens=False) for ids in plain], "skipped": [t.decode(t.encode(text).ids) for text in texts],
        "pair": {"ids": pair.ids, "typeIds": pair.type_ids},
    })
target = pathlib.Path(__file__).parent.parent / "test/fixtures/pipelines.json"
target.write_text(json.dumps({"texts": texts, "cases": cases}, ensure_ascii=True, separators=(",", ":")) + "\n")
