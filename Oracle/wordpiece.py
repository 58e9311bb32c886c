"""Makes the character tables of Sources/TextTokenizers and the fixtures Tests/Fixtures/wordpiece*.

How to run, from the package root, in a Python with transformers 5 and tokenizers 0.23:

    python Oracle/wordpiece.py tables            # Sources/TextTokenizers/ScalarTable+*.swift
    python Oracle/wordpiece.py cases             # Tests/Fixtures/wordpiece
    python Oracle/wordpiece.py unicode           # Tests/Fixtures/wordpiece-unicode
    python Oracle/wordpiece.py data DATA_FOLDER  # Tests/Fixtures/wordpiece-data (digests only)

The tables are probed from the tokenizers library, one code point at a time: it mixes several
versions of Unicode (categories, decompositions and case mappings come from different crates),
so no single published table agrees with it.
"""

import json
import random
import sys
from pathlib import Path

from tokenizers import AddedToken, normalizers, pre_tokenizers
from transformers import BertTokenizerFast

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "Sources" / "TextTokenizers"
FIXTURES = ROOT / "Tests" / "Fixtures"
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
MASK64 = (1 << 64) - 1
FNV_BASIS, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def bert(**flags):
    settings = dict(
        clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False
    )
    settings.update(flags)
    return normalizers.BertNormalizer(**settings).normalize_str


# --- Tables -----------------------------------------------------------------------------------


def probe():
    """What the library does to every scalar, component by component."""
    clean, chinese = bert(clean_text=True), bert(handle_chinese_chars=True)
    strip, lower = bert(strip_accents=True), bert(lowercase=True)
    decompose = normalizers.NFD().normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    found = {k: [] for k in ("removed", "spaced", "separator", "punctuation", "chinese", "mark")}
    decomposition, lowercase = {}, {}
    for c in SCALARS:
        ch = chr(c)
        cleaned = clean("a" + ch + "b")
        if cleaned == "ab":
            found["removed"].append(c)
        elif cleaned == "a b":
            found["spaced"].append(c)
        else:
            assert cleaned == "a" + ch + "b", hex(c)
        pieces = len(split("a" + ch + "b"))
        if pieces == 2:
            found["separator"].append(c)
        elif pieces == 3:
            found["punctuation"].append(c)
        if chinese(ch) != ch:
            assert chinese(ch) == " " + ch + " ", hex(c)
            found["chinese"].append(c)
        if lower(ch) != ch:
            lowercase[c] = lower(ch)
        if decompose(ch) != ch:
            decomposition[c] = decompose(ch)
        elif strip("a" + ch) == "a":
            found["mark"].append(c)
        else:
            assert strip("a" + ch) == "a" + ch, hex(c)
    marks = set(found["mark"])
    for c, parts in decomposition.items():
        assert strip(chr(c)) == "".join(p for p in parts if ord(p) not in marks), hex(c)
    return found, decomposition, lowercase, combining_classes(decompose, decomposition)


def combining_classes(decompose, decomposition):
    """Canonical combining classes as the library orders by them, read off from swaps."""
    import unicodedata

    representatives, highest = {}, chr(0x345)
    for c in range(0x300, 0xFFFF):
        value, ch = unicodedata.combining(chr(c)), chr(c)
        if value == 0 or c in decomposition or value in representatives:
            continue
        # A representative must be one that the library knows too.
        if value == 240 or decompose("a" + highest + ch) == "a" + ch + highest:
            representatives[value] = ch
    second = representatives[234]
    assert unicodedata.combining(highest) == 240
    classes = {}
    for c in SCALARS:
        ch = chr(c)
        if c in decomposition or 0xAC00 <= c <= 0xD7A3:
            continue
        if decompose("a" + highest + ch) == "a" + ch + highest:
            below = [v for v, r in representatives.items()
                     if r != ch and decompose("a" + r + ch) != "a" + ch + r or r == ch]
            classes[c] = max(below)
        elif decompose("a" + ch + second) == "a" + second + ch:
            classes[c] = 240
    return classes


def runs(values):
    out = []
    for c in values:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def spell(first, last):
    return f"{first:X}" if first == last else f"{first:X}-{last:X}"


def class_words(classes):
    out = []
    for c in sorted(classes):
        if out and out[-1][1] == c - 1 and out[-1][2] == classes[c]:
            out[-1][1] = c
        else:
            out.append([c, c, classes[c]])
    return [f"{spell(a, b)}:{v:X}" for a, b, v in out]


def sequence_words(mapping):
    """`@C0 41+300 41+301 …`: consecutive code points, each with what it becomes."""
    out, previous = [], None
    for c in sorted(mapping):
        if previous is None or c != previous + 1:
            out.append(f"@{c:X}")
        out.append("+".join(f"{ord(p):X}" for p in mapping[c]))
        previous = c
    return out


def swift_literal(name, comment, words):
    lines, line = [], ""
    for word in words:
        if len(line) + 1 + len(word) > 92:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines.append(line)
    body = "\n".join(f"        {line}" for line in lines)
    return f'    /// {comment}\n    static let {name}: StaticString = """\n{body}\n        """\n'


def write_tables():
    found, decomposition, lowercase, classes = probe()
    hangul = {c for c in decomposition if 0xAC00 <= c <= 0xD7A3}
    assert len(hangul) == 11172
    decomposition = {c: d for c, d in decomposition.items() if c not in hangul}
    header = "// Made by Oracle/wordpiece.py from the tokenizers library. Do not edit.\n\n"
    comments = {
        "removed": "What cleaning drops: controls, formats, private use, U+0000 and U+FFFD.",
        "spaced": "What cleaning turns into a space.",
        "separator": "What ends a word and is dropped.",
        "punctuation": "What is a word of its own.",
        "chinese": "What gets a space on both sides.",
        "mark": "Nonspacing marks, dropped after decomposition.",
    }
    ranges = [
        swift_literal(name, comments[name], [spell(a, b) for a, b in runs(values)])
        for name, values in found.items()
    ]
    ranges.append(
        swift_literal("combining", "Canonical combining classes, `range:class`.", class_words(classes))
    )
    (SOURCES / "ScalarTable+Classes.swift").write_text(
        header + "extension ScalarTable {\n" + "\n".join(ranges) + "}\n"
    )
    mappings = [
        swift_literal("lowercase", "Lowercase mappings, `@first to to …`.", sequence_words(lowercase)),
        swift_literal(
            "decomposition",
            "Full canonical decompositions without Hangul, `@first to to …`.",
            sequence_words(decomposition),
        ),
    ]
    (SOURCES / "ScalarTable+Mappings.swift").write_text(
        header + "extension ScalarTable {\n" + "\n".join(mappings) + "}\n"
    )


# --- Digests of what every code point becomes ---------------------------------------------------

NORMALIZERS = {
    "uncased": dict(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True),
    "cased": dict(clean_text=True, handle_chinese_chars=True),
    "keepsAccents": dict(clean_text=True, handle_chinese_chars=True, lowercase=True),
    "stripsOnly": dict(clean_text=True, strip_accents=True),
    "raw": dict(strip_accents=True, lowercase=True),
}


def digest_blocks(name):
    """`uncased` covers all planes; the others those blocks that hold assigned characters."""
    last = 0x1100 if name == "uncased" else 0x200
    return list(range(last)) + ([] if name == "uncased" else [0x2F8, 0x2F9, 0x2FA, 0xE00, 0xE01])


def block_text(block):
    scalars = [chr(c) for c in range(block << 8, (block + 1) << 8) if not 0xD800 <= c < 0xE000]
    return "".join(f"x{c}y {c}\n" for c in scalars)


def words_digest(words):
    value = FNV_BASIS
    for word in words:
        for byte in word.encode():
            value = ((value ^ byte) * FNV_PRIME) & MASK64
        value = ((value ^ 10) * FNV_PRIME) & MASK64
    return value


def write_unicode():
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    digests = {}
    for name, flags in NORMALIZERS.items():
        normalize, values = bert(**flags), []
        for block in digest_blocks(name):
            words = [word for word, _ in split(normalize(block_text(block)))]
            values.append(words_digest(words))
        # Sixteen blocks share a stored digest, so that the fixture stays small.
        folded = []
        for start in range(0, len(values), 16):
            total = FNV_BASIS
            for value in values[start : start + 16]:
                total = ((total ^ value) * FNV_PRIME) & MASK64
            folded.append(f"{total:016x}")
        digests[name] = folded
    save("wordpiece-unicode/digests.json", digests)


# --- Small cases ------------------------------------------------------------------------------

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """the cat sat on mat a an is was mask token hello world café cafe naïve naive Istanbul istanbul
un ##aff ##able ##ed ##ing ##s straße strasse ἀρχή αρχη Москва москва 中 国 日本 本 한국 ki ##ki ##tten
can ' t . , ! ? - $ # ; & ( ) [ ] < > i The Hello ÉCOLE école ecole i̇stanbul ##stanbul e\u0301 \u00e9
\u09a1\u09bc \u09dc the\u0301 cls sep token1 two words""".split()


def small_vocabulary():
    letters = [chr(c) for c in range(0x61, 0x7B)] + [chr(c) for c in range(0x41, 0x5B)]
    letters += [chr(c) for c in range(0x30, 0x3A)] + list("éüßñçøαβγжшאب한가간中あ")
    pieces = letters + ["##" + c for c in letters] + [w for w in WORDS]
    seen = dict.fromkeys(SPECIALS)
    for piece in pieces:
        seen.setdefault(piece)
    return list(seen)


HAND = [
    "", " ", "The cat sat on the mat.", "unaffable kittens can't!", "UNAFFABLE, Kittens?",
    "Café CAFÉ cafe\u0301 naïve NAÏVE", "İstanbul ISTANBUL ıstanbul", "Straße STRASSE ẞ",
    "Ἀρχή ΑΡΧΗ ΟΔΥΣΣΕΥΣ", "Москва МОСКВА Ёж", "日本語 中国 ﹅ 豈 𠀀x", "한국 한국어 가각힣 ᄒ\u1161ᆫ",
    "\u09dc \u09a1\u09bc", "a\u0000b\u0001c\u00add\u200be\ufeff f\ufffdg", "tab\tnew\nline\r\nvt\x0bff\x0cx\x85y",
    "nbsp\u00a0x\u2003y\u3000z\u2028p", "$100 #hash <b>x</b> a_b `q` ^ ~ |", "“quoted” — dash… ¿qué? ¡no! §1",
    "[MASK] [mask] [SEP][CLS]", "the[MASK]cat", "[MASK", "MASK] [[MASK]]", "[UNK] [PAD] x[PAD]y",
    "a" * 100, "a" * 101, "é" * 100, "é" * 101, "中" * 150, "a" * 99 + "\u0301", "a" * 100 + "\u0301",
    "x\u0345\u0301\u0334y", "a\u302e\u0301\u302fb", "a\u0f71\u0f72\u0f74", "\u1e9b\u0323", "ﬁ ﬂ ǅ ǆ",
    "𝒳 𝔸 𐐀 𐐨", "👍🏽 👩\u200d👩\u200d👧 🇩🇪", "e\u0301\u0001\u0323x", "\u0301", "\u0301 \u0301a", "١٢٣ ٤", "हिन्दी ไทย",
    "token1 newtoken NEWTOKEN two words  two words", "Two Words café-token CAFE-TOKEN",
]


def fuzz(count, seed):
    generator = random.Random(seed)
    pools = [
        "abcdefghijklmnop THE cat", "éÉüÜßñçøİıſK", "\u0301\u0300\u0323\u0345\u0334\u302e\u302f\u05b0\u0f71\u093c\u07fd",
        " \t\n\r\u00a0\u2003\u3000\x0b", ".,!?-$#'’“”…。、·", "中国日本語豈\U0002f800", "가각힣간", "\x00\x01\x7f\u00ad\u200d\ufffd\ue000",
        "жшאبαβγΣ", "𝒳𐐀👍",
    ]
    texts = []
    for _ in range(count):
        parts = []
        for _ in range(generator.randint(1, 14)):
            if generator.random() < 0.12:
                parts.append(generator.choice(SPECIALS + ["[mask]", "newtoken", "two words", "café-token"]))
            elif generator.random() < 0.05:
                parts.append(chr(generator.choice(SCALARS[: 0x30000])))
            else:
                pool = generator.choice(pools)
                parts.append("".join(generator.choice(pool) for _ in range(generator.randint(1, 5))))
        texts.append("".join(parts))
    return texts


def save(name, value):
    path = FIXTURES / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=True, separators=(",", ":")) + "\n")


def folder(name, vocabulary, **files):
    path = FIXTURES / "wordpiece" / name
    path.mkdir(parents=True, exist_ok=True)
    (path / "vocab.txt").write_text("".join(t + "\n" for t in vocabulary), newline="\n")
    for file, content in files.items():
        (path / f"{file}.json").write_text(json.dumps(content, indent=1) + "\n")
    return path


def write_cases():
    vocabulary = small_vocabulary()
    plain = folder("uncased", vocabulary)
    folder("cased", vocabulary, tokenizer_config={"do_lower_case": False})
    folder("keepsAccents", vocabulary, tokenizer_config={"strip_accents": False})
    folder("stripsOnly", vocabulary, tokenizer_config={
        "do_lower_case": False, "strip_accents": True, "tokenize_chinese_chars": False})
    flags = dict(single_word=False, rstrip=False, normalized=False)
    folder("legacy", vocabulary, special_tokens_map={
        "mask_token": dict(content="[MASK]", lstrip=True, **flags), "unk_token": "[UNK]",
        "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"},
        added_tokens={"newtoken": len(vocabulary)})
    added = BertTokenizerFast.from_pretrained(plain)
    added.add_tokens([
        AddedToken("newtoken", single_word=True), AddedToken("two words", lstrip=True, normalized=False),
        AddedToken("Café-Token", normalized=True), AddedToken("<x>", rstrip=True, normalized=False)])
    added.save_pretrained(FIXTURES / "wordpiece" / "added")
    texts = HAND + fuzz(250, 7) + [" <x>  the <x><x> newtokens newtoken-newtoken café-token"]
    names = ["uncased", "cased", "keepsAccents", "stripsOnly", "legacy", "added"]
    ids = {}
    for name in names:
        tokenizer = BertTokenizerFast.from_pretrained(FIXTURES / "wordpiece" / name)
        ids[name] = [tokenizer.encode(t, add_special_tokens=False) for t in texts]
        if name == "uncased":
            ids["truncated"] = [
                tokenizer.encode(t, truncation=True, max_length=8) for t in texts]
    invalid = [bytes(random.Random(i).choices([0x61, 0x20, 0xC3, 0xA9, 0xE4, 0xB8, 0xAD, 0xF0, 0x9F,
        0x91, 0x8D, 0xED, 0xA0, 0xC0, 0xFF, 0x5B], k=24)) for i in range(200)]
    raw = bert(strip_accents=True, lowercase=True)
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    save("wordpiece/cases.json", {"texts": texts, "ids": ids})
    save("wordpiece/invalid.json", [
        {"bytes": list(b), "words": [w for w, _ in split(raw(b.decode(errors="replace")))]}
        for b in invalid])


# --- Digests of real files ----------------------------------------------------------------------


def data_lines(root):
    for name in ["text-aux/bookcorpus-20k/train.tsv",
                 *[f"text-downstream/sst2/{s}.tsv" for s in ("train", "dev", "test")],
                 *[f"text-downstream/hsol-openbackdoor/{s}.tsv" for s in ("train", "dev", "test")],
                 *[f"text-downstream/agnews/{s}.tsv" for s in ("train", "dev", "test")],
                 "text-downstream/agnews-official/test.csv"]:
        yield name, (root / name).read_bytes().split(b"\n")
    wikipedia, name = [], "text-aux/text"
    for path in sorted((root / name).rglob("wiki_*")):
        wikipedia += path.read_bytes().split(b"\n")
        if len(wikipedia) >= 20000:
            break
    yield name, wikipedia[:20000]


def write_data(root):
    vocabulary = root / "vocab" / "bert-base-uncased_vocab.txt"
    tokenizers = {
        "uncased": BertTokenizerFast(vocab=str(vocabulary)),
        "cased": BertTokenizerFast(vocab=str(vocabulary), do_lower_case=False),
    }
    files = []
    for name, lines in data_lines(root):
        texts = [line.decode(errors="replace") for line in lines]
        entry = {"name": name, "lines": len(texts)}
        for key, tokenizer in tokenizers.items():
            digests, tokens = [], 0
            for start in range(0, len(texts), 100):
                value = FNV_BASIS
                for ids in tokenizer(texts[start : start + 100], add_special_tokens=False)["input_ids"]:
                    tokens += len(ids)
                    for token in ids + [0xFFFFFFFF]:
                        value = ((value ^ token) * FNV_PRIME) & MASK64
                digests.append(f"{value:016x}")
            entry[key], entry[key + "Tokens"] = digests, tokens
        files.append(entry)
    save("wordpiece-data/digests.json", files)


if __name__ == "__main__":
    commands = {"tables": write_tables, "unicode": write_unicode, "cases": write_cases}
    if len(sys.argv) == 3 and sys.argv[1] == "data":
        write_data(Path(sys.argv[2]))
    elif len(sys.argv) == 2 and sys.argv[1] in commands:
        commands[sys.argv[1]]()
    else:
        sys.exit(__doc__)
