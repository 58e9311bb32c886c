"""Makes CLIP's character tables and the fixtures Tests/Fixtures/clip-text*.

How to run, from the package root, in a Python with transformers 5 and tokenizers 0.23:

    python Oracle/clip_text.py tables            # Sources/TextTokenizers/ScalarTable+Categories.swift
    python Oracle/clip_text.py cases             # Tests/Fixtures/clip-text
    python Oracle/clip_text.py data DATA_FOLDER  # Tests/Fixtures/clip-text-data (digests only)
    python Oracle/clip_text.py speed DATA_FOLDER # megabytes a second of the reference

`tables` probes what the tokenizers library takes for letters, numbers and composed characters, as
`wordpiece.py` does for BERT; that its lowercasing and white space are BERT's is asserted there.
"""

import csv
import gzip
import json
import random
import sys
import time
from pathlib import Path

from tokenizers import AddedToken, Regex, normalizers, pre_tokenizers
from transformers import CLIPTokenizer

from wordpiece import (FIXTURES, FNV_BASIS, FNV_PRIME, MASK64, SCALARS, SOURCES, bert,
                       runs, save, spell, swift_literal)

START, END = "<|startoftext|>", "<|endoftext|>"


# --- Tables -----------------------------------------------------------------------------------


def matched(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True).pre_tokenize_str
    return [c for c in SCALARS if split(chr(c))]


def write_tables():
    nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    lower, bert_lower = normalizers.Lowercase().normalize_str, bert(lowercase=True)
    collapse = normalizers.Replace(Regex(r"\s+"), " ").normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    for c in SCALARS:
        assert lower(chr(c)) == bert_lower(chr(c)), hex(c)
        is_space = len(split(f"a{chr(c)}b")) == 2
        assert (collapse(f"a{chr(c)}b") == "a b") == is_space, hex(c)
    changed = [c for c in SCALARS if nfc(chr(c)) != chr(c)]
    assert all(nfd(chr(c)) != chr(c) for c in changed)
    classes = {
        "letter": ("What the regular expression `\\p{L}` matches.", matched(r"[\p{L}]+")),
        "number": ("What the regular expression `\\p{N}` matches.", matched(r"[\p{N}]")),
        "uncomposed": ("What canonical composition never makes, and takes apart.", changed),
    }
    (SOURCES / "ScalarTable+Categories.swift").write_text(
        "// Made by Oracle/clip_text.py from the tokenizers library. Do not edit.\n\n"
        "extension ScalarTable {\n"
        + "\n".join(
            swift_literal(name, comment, [spell(a, b) for a, b in runs(values)])
            for name, (comment, values) in classes.items()
        )
        + "}\n"
    )


# --- The vocabulary -----------------------------------------------------------------------------


def byte_characters():
    """The character that stands for each byte, in the order of OpenAI's vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(others)}


def openai_merges(path):
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    return [tuple(line.split()) for line in lines[1 : 49152 - 256 - 2 + 1]]


def vocabulary(merges, specials=(START, END)):
    letters = list(byte_characters().values())
    tokens = letters + [c + "</w>" for c in letters] + ["".join(m) for m in merges] + list(specials)
    assert len(set(tokens)) == len(tokens)
    return {token: i for i, token in enumerate(tokens)}


def trained_merges(words, count):
    """Byte-pair merges of a small corpus; the most frequent pair first, ties in their order."""
    letters = byte_characters()
    spelled = {}
    for word in words:
        symbols = [letters[b] for b in word.encode()]
        key = tuple(symbols[:-1] + [symbols[-1] + "</w>"])
        spelled[key] = spelled.get(key, 0) + 1
    merges = []
    for _ in range(count):
        pairs = {}
        for symbols, number in spelled.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] = pairs.get(pair, 0) + number
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        merged = {}
        for symbols, number in spelled.items():
            out, i = [], 0
            while i < len(symbols):
                if symbols[i : i + 2] == best:
                    out.append(symbols[i] + symbols[i + 1])
                    i += 2
                else:
                    out.append(symbols[i])
                    i += 1
            merged[tuple(out)] = merged.get(tuple(out), 0) + number
        spelled = merged
    return merges


CORPUS = """a photo of the cat sat on the mat the dog ran in the park with a ball and the man wearing a
red shirt is standing next to a tree while two children are playing football in the green grass
woman riding bicycle down street people sitting table food water beach boat snow mountain skateboard
jumping running through don't can't it's they're we've i'll he'd photo photograph photographs café
cafés naïve ångström straße москва москвы привет 日本語 日本 中国 한국어 한국 हिन्दी ไทย العربية עברית ελληνικά
😀 😀😀 👍🏽 👨‍👩‍👧 !!! ... !? -- 2024 100 aaaaaaaaaaaaaaaa ababababababab""".split()


# --- Small cases ------------------------------------------------------------------------------

HAND = [
    "", " ", "\n\t ", "a", "A photo of a cat.", "a photo of  THE\tcat\n\nsat  ", "the cat's hat",
    "don't DON'T Don’t can't I'll they're we've he'd it's O'Neil 'tis ''s 's's 'S 'LL 'Re 'x",
    "'", "''", "'''", "s'", "'ss", "!'s", "!'ll", "-'t", "'s't're've'm'll'd", "'r 'v 'l", "' s",
    "2024 100 3.14 1,000,000 x2y 2x ٣٤٥ ²³ ½ Ⅳ ① 一二三 ೧೨", "!!! ... !? -- #tag @you $5 50% a_b a-b (c)",
    "café cafe\u0301 CAFÉ CAFE\u0301 naïve ÅNGSTRÖM \u212bngstro\u0308m", "Straße STRASSE ẞ ﬁ ﬂ ǅ ǆ",
    "İstanbul ISTANBUL ıstanbul I\u0307", "ΟΔΥΣΣΕΥΣ ΣΑΣ ἀρχή Ἀρχή ᾳ ᾼ", "МОСКВА Москва Ё Е\u0308",
    "日本語の写真 中国。、 ﹅ 豈 \u2f800", "한국어 가각힣 \u1112\u1161\u11ab \u1100\u1161 \uac00\u11a8 \u1161\u11ab",
    "हिन्दी ไทย العربية עברית \u0958 \u09a1\u09bc \u09dc \u0929", "😀 😀😀 👍🏽 👨‍👩‍👧 🇩🇪 ❤️ ☺ © ® ™",
    "a\u0000b a\u0001b\u007f c\u00add \u200be \ufefff g\ufffdh \u0085i\u00a0j\u2003k\u3000l\u2028m\u001cn",
    "a\u180eb \u200b\u200c\u200d \u2060 \ue000 \U000f0000 \U0010ffff \ufffe", "x\u0345\u0301\u0334y a\u0323\u0307 a\u0307\u0323",
    "\u0301", "\u0301 \u0301a", " \u0338=\u0338 <\u0338", "\u0344 \u0340 \u0f73 \u2126 \u1e9b\u0323 \u2000\u2001\u0301",
    "<|startoftext|>", "<|endoftext|>", "a<|endoftext|>b", "<|startoftext|>a photo<|endoftext|> b",
    "<|STARTOFTEXT|> <|EndOfText|>!!", "!!<|EndOfText|>!!", "<|endoftext|", "<|endoftext|><|endoftext|>",
    "<| endoftext |> < |endoftext|>", "<|endo\u0301ftext|>", "a " * 74, "a " * 75, "a " * 76, "a " * 100, "word " * 2000,
    "a" * 16, "a" * 100, "ab" * 300, "photograph" * 30, "日" * 200, "e\u0301" * 90, "\u0301" * 100, "!" * 200, "1" * 100,
    "http://example.com/a?b=c&d=%20e", "&amp; &lt;b&gt; <b>x</b> \\n `q` ~ ^ | {x} [y]", "\"quoted\" “quoted” ‘single’ — dash…",
    "𝒳 𝔸 𐐀 𐐨 𝟙 𝟚", "ｆｕｌｌ ＷＩＤＴＨ １２", "newtoken NEWTOKEN anewtokenb new  token New Token  x", "hello! ! !a a!b",
]


def fuzz(count, seed):
    generator = random.Random(seed)
    pools = [
        "abcdefghijklmnop THE cat", "éÉüÜßñçøİıſKÅå", "\u0301\u0300\u0323\u0345\u0334\u302e\u0f71\u093c\u0338\u0308\u0307",
        " \t\n\r\u00a0\u2003\u3000\x0b\x1c\x85", ".,!?-$#'’“”…。、·<|>=", "中国日本語豈\U0002f800",
        "가각힣간\u1100\u1161\u11a8\u11a7", "\x00\x01\x7f\u00ad\u200d\ufffd\ue000", "жшאبαβγΣ", "𝒳𐐀👍😀🏽",
        "0123456789²½٣", "'s't're've'm'll'd'S",
    ]
    texts = []
    for _ in range(count):
        parts = []
        for _ in range(generator.randint(1, 14)):
            if generator.random() < 0.1:
                parts.append(generator.choice([START, END, END.upper(), "newtoken", "new token", "!"]))
            elif generator.random() < 0.06:
                parts.append(chr(generator.choice(SCALARS[: 0x30000])))
            elif generator.random() < 0.3:
                parts.append(generator.choice(CORPUS))
            else:
                pool = generator.choice(pools)
                parts.append("".join(generator.choice(pool) for _ in range(generator.randint(1, 5))))
        texts.append("".join(parts))
    return texts


def write_json(path, value, **options):
    path.write_text(json.dumps(value, ensure_ascii=False, **options) + "\n", encoding="utf-8")


def folder(name, merges, config=None, specials=(START, END)):
    path = FIXTURES / "clip-text" / name
    path.mkdir(parents=True, exist_ok=True)
    write_json(path / "vocab.json", vocabulary(merges, specials))
    lines = ["#version: 0.2", *(" ".join(m) for m in merges)]
    (path / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if config:
        write_json(path / "tokenizer_config.json", config, indent=1)
    return path


def token(content, normalized):
    return dict(__type="AddedToken", content=content, lstrip=False, normalized=normalized,
                rstrip=False, single_word=False)


def write_folders():
    merges = trained_merges(CORPUS, 420)
    plain = folder("plain", merges)
    # As OpenAI's own folder has it: the tokens are looked for in lowercase text.
    folder("openai", merges, {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True,
        "bos_token": token(START, True), "eos_token": token(END, True),
        "unk_token": token(END, True), "pad_token": END, "add_prefix_space": False})
    # As Stable Diffusion 2 has it: the exclamation mark pads.
    folder("padded", merges, {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": 24, "pad_token": "!"})
    added = CLIPTokenizer.from_pretrained(plain)
    added.add_tokens([
        AddedToken("newtoken", single_word=True), AddedToken("New Token", normalized=True),
        AddedToken("<x>", rstrip=True, lstrip=True, normalized=False)])
    path = FIXTURES / "clip-text" / "added"
    added.save_pretrained(path)
    document = json.loads((path / "tokenizer.json").read_text())
    # The same file as the library wrote it before version 0.20: merges as texts, no model type.
    older = FIXTURES / "clip-text" / "older"
    older.mkdir(exist_ok=True)
    assert isinstance(document["model"]["merges"][0], list)
    document["model"]["merges"] = [" ".join(m) for m in document["model"]["merges"]]
    for key in ("byte_fallback", "ignore_merges"):
        del document["model"][key]
    document["pre_tokenizer"]["pretokenizers"][1].pop("use_regex")
    document["post_processor"] = {
        "type": "TemplateProcessing", "pair": [],
        "single": [{"SpecialToken": {"id": START, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                   {"SpecialToken": {"id": END, "type_id": 0}}],
        "special_tokens": {t: {"id": t, "ids": [document["model"]["vocab"][t]], "tokens": [t]}
                           for t in (START, END)}}
    write_json(older / "tokenizer.json", document)
    for name in ("added", "older"):
        small = json.loads((FIXTURES / "clip-text" / name / "tokenizer.json").read_text())
        write_json(FIXTURES / "clip-text" / name / "tokenizer.json", small, separators=(",", ":"))
    # OpenAI's file: a header, the merges, and nothing else.
    lines = ["\"bpe_simple_vocab_16e6.txt#version: 0.2", *(" ".join(m) for m in merges)]
    path = FIXTURES / "clip-text" / "gzip"
    path.mkdir(exist_ok=True)
    packed = gzip.compress("\n".join(lines).encode() + b"\n", mtime=0)
    (path / "bpe_simple_vocab_16e6.txt.gz").write_bytes(packed)


def write_cases():
    write_folders()
    texts = HAND + fuzz(250, 11)
    answers = {}
    for name in ("plain", "openai", "padded", "added", "older"):
        tokenizer = CLIPTokenizer.from_pretrained(FIXTURES / "clip-text" / name)
        ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
        padded = tokenizer(texts, truncation=True, max_length=77, padding="max_length")
        digests = []
        for row, mask in zip(padded["input_ids"], padded["attention_mask"]):
            digests.append(f"{ids_digest([row, mask]):016x}")
        answers[name] = {"ids": compact(ids, answers), "padded": digests,
                         "padID": tokenizer.pad_token_id, "size": len(tokenizer)}
    save("clip-text/cases.json", {"texts": texts, "answers": answers})
    save("clip-text/unicode.json", unicode_digests())


def compact(ids, answers):
    """Long answers as a digest of them, and those that `plain` gives too as nothing."""
    out = []
    for number, row in enumerate(ids):
        value = row if len(row) <= 120 else [-1, len(row), ids_digest([row]) & 0x7FFFFFFF]
        same = "plain" in answers and answers["plain"]["ids"][number] == value
        out.append(None if same else value)
    return out


def ids_digest(rows):
    value = FNV_BASIS
    for row in rows:
        for token in [*row, 0xFFFFFFFF]:
            value = ((value ^ token) * FNV_PRIME) & MASK64
    return value


def unicode_digests():
    """Every scalar of planes 0 to 3 in a word, before a mark and twice: a digest for 16 blocks of 256."""
    tokenizer = CLIPTokenizer.from_pretrained(FIXTURES / "clip-text" / "plain")
    digests = []
    for start in range(0, 0x340, 16):
        rows = []
        for block in range(start, start + 16):
            scalars = [chr(c) for c in range(block << 8, (block + 1) << 8) if not 0xD800 <= c < 0xE000]
            rows.append("".join(f"x{c}\u0301y {c}{c}\n" for c in scalars))
        ids = tokenizer(rows, add_special_tokens=False)["input_ids"]
        digests.append(f"{ids_digest(ids):016x}")
    return digests


# --- Digests of real files ----------------------------------------------------------------------


def captions(root):
    with open(root / "flickr8k" / "captions.txt", encoding="utf-8", newline="") as file:
        yield "flickr8k/captions.txt", [row[1] for row in list(csv.reader(file))[1:]]
    document = json.loads((root / "coco-mini" / "captions_val2017.json").read_text())
    yield "coco-mini/captions_val2017.json", [a["caption"] for a in document["annotations"]]


def real_tokenizer(root):
    merges = openai_merges(root / "vocab" / "bpe_simple_vocab_16e6.txt.gz")
    return CLIPTokenizer(vocab=vocabulary(merges), merges=merges)


def write_data(root):
    tokenizer, files = real_tokenizer(root), []
    for name, texts in captions(root):
        rows = tokenizer(texts, truncation=True, max_length=77)["input_ids"]
        full = tokenizer(texts)["input_ids"]
        files.append({
            "name": name, "captions": len(texts), "tokens": sum(map(len, rows)),
            "truncated": sum(len(row) > 77 for row in full),
            "digest": f"{ids_digest(rows):016x}"})
    save("clip-text-data/digests.json", files)


def speed(root):
    tokenizer = real_tokenizer(root)
    texts = [text for _, some in captions(root) for text in some]
    size = sum(len(text.encode()) for text in texts)
    for name, encode in (("tokenizers", tokenizer.backend_tokenizer.encode_batch),
                         ("transformers", lambda t: tokenizer(t, truncation=True, max_length=77))):
        encode(texts[:1000])
        best = min(timed(encode, texts) for _ in range(3))
        print(f"{name}: {size / best / 1e6:.2f} MB/s ({size / 1e6:.1f} MB, {len(texts)} captions)")


def timed(encode, texts):
    """Processor time, so that what else the machine does counts little; set RAYON_NUM_THREADS=1."""
    start = time.process_time()
    encode(texts)
    return time.process_time() - start


if __name__ == "__main__":
    commands = {"tables": write_tables, "cases": write_cases}
    if len(sys.argv) == 3 and sys.argv[1] in ("data", "speed"):
        {"data": write_data, "speed": speed}[sys.argv[1]](Path(sys.argv[2]))
    elif len(sys.argv) == 2 and sys.argv[1] in commands:
        commands[sys.argv[1]]()
    else:
        sys.exit(__doc__)
