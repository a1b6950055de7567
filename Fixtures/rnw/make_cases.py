"""Writes cases.json: golden files with one thing changed, and what every reader answers.

A case is `accepted` (it opens, and all of it holds), `opened` (it opens, but what is in it does not hold) or `refused`
(it does not open). Checksums of the metadata are those of what is there, so that no case is refused for them alone.
A file is told by what it takes from the golden one: [offset, length], or the bytes themselves in base64.
"""

import base64
import json
import re
import struct
import zlib
from pathlib import Path

HERE = Path(__file__).parent
MAXIMUM_WINDOW = 24


class Parts:
    """A golden file in its parts, of which each can be changed; `bytes()` puts them together and repairs the checksum."""

    def __init__(self, name):
        whole = (HERE / name).read_bytes()
        length = struct.unpack_from("<Q", whole)[0]
        text = whole[8 : 8 + length].decode().rstrip(" ")
        self.name = name
        self.metadata = list(json.loads(text)["__metadata__"].items())
        # Within a text every quote has a backslash before it, so this is the end of the metadata.
        self.entries = text[re.search(r'"\}\s*,\s*"', text).start() + 2 : -1]
        self.data = whole[8 + length :]
        self.before, self.after, self.alignment, self.repairs = "", "", 64, True

    def get(self, key):
        return dict(self.metadata)[key]

    def set(self, key, value):
        self.metadata = [(name, value if name == key else text) for name, text in self.metadata]
        if key not in dict(self.metadata):
            self.metadata.append((key, value))

    def remove(self, key):
        self.metadata = [(name, text) for name, text in self.metadata if name != key]

    def replace(self, key, old, new):
        """In the text of a record, or in the entries of the header."""
        text = self.entries if key == "entries" else self.get(key)
        assert old in text, (key, old)
        if key == "entries":
            self.entries = text.replace(old, new, 1)
        else:
            self.set(key, text.replace(old, new, 1))

    def bytes(self):
        if self.repairs:
            self.set("rnw.metadata-crc32", str(self.checksum()))
        pairs = ",".join(f"{quoted(key)}:{quoted(value)}" for key, value in self.metadata)
        header = f'{self.before}{{"__metadata__":{{{pairs}}}{self.entries}}}{self.after}'.encode("utf-8", "surrogatepass")
        header += b" " * (-(8 + len(header)) % self.alignment)
        return struct.pack("<Q", len(header)) + header + self.data

    def checksum(self):
        pairs = sorted((key.encode(), value.encode()) for key, value in self.metadata if key != "rnw.metadata-crc32")
        return zlib.crc32(b"".join(key + b"\0" + value + b"\0" for key, value in pairs))


def quoted(text):
    """JSON with as few escapes as there can be, so that what is written is what was meant."""
    return json.dumps(text, ensure_ascii=False)


def compact(records):
    """As the tool writes it, so that what is not changed is the same."""
    return json.dumps(records, separators=(",", ":"), sort_keys=True)


CASES = []


def case(name, answer, file="narrow.int8.planes.rnw"):
    def add(change):
        parts = Parts(file)
        content = change(parts)
        CASES.append((name, answer, file, content if isinstance(content, bytes) else parts.bytes()))
        return change

    return add


def replaced(name, answer, key, old, new, file="narrow.int8.planes.rnw"):
    case(name, answer, file)(lambda parts: parts.replace(key, old, new))


def sets(name, answer, key, value, file="narrow.int8.planes.rnw"):
    case(name, answer, file)(lambda parts: parts.set(key, value))


def write_all():
    for golden in ("narrow.float32.none.rnw", "narrow.int8.planes.rnw", "repeated.int8.planes.rnw"):
        case(f"{golden} as it is", "accepted", golden)(lambda parts: None)
    versions()
    metadata()
    json_texts()
    entries()
    records()
    names()
    sizes()
    documents()
    network()


def versions():
    for text in ("1.0", "1.1", "1.9", "1.10", "1.9999"):
        sets(f"version {text}", "accepted", "rnw.version", text)
    for text in (
        "", "1", "1.", ".0", "1.0.0", " 1.0", "1.0 ", "+1.0", "-1.0", "01.0", "1.00", "1.01", "1.0\n", "1.10000",
        "1.99999999999999999999", "0.9", "3.0", "10.0", "1.٠", "١.0", "1.０", "1.²", "1,0", "1.0a", "1e0.0", "v1.0",
    ):  # fmt: skip
        sets(f"version {text!a}", "refused", "rnw.version", text)
    case("no version", "refused")(lambda parts: parts.remove("rnw.version"))


def metadata():
    for text in ("RNW", "rnw ", "", "safetensors"):
        sets(f"format {text!a}", "refused", "format", text)
    case("no format", "refused")(lambda parts: parts.remove("format"))
    sets("an unknown key", "accepted", "author", "somebody")
    sets("an unknown key that begins with rnw.", "accepted", "rnw.later", "{}")
    sets("a key in capitals is another key", "accepted", "RNW.VERSION", "9.0")
    sets("a key that is not ASCII", "accepted", "ключ", "значение")
    sets("a key that is empty", "accepted", "", "")
    # Composed, é comes after z in bytes and for Swift; decomposed, it comes before f in bytes and after for Swift.
    for first, second in (("é", "z"), ("e\u0301", "f"), ("é", "e\u0301"), ("Ａ", "𐐀"), ("\uffee", "\U00010000")):
        @case(f"keys {first!a} and {second!a}, sorted by their bytes", "accepted")
        def _(parts, first=first, second=second):
            parts.set(first, "1")
            parts.set(second, "2")

    sets("a NUL in a key", "refused", "a\0b", "c")
    sets("a NUL in a value", "refused", "a", "b\0c")
    case("a key twice", "refused")(lambda parts: parts.metadata.append(("format", "rnw")))
    for text in ("{0} ", "0{0}", "+{0}", "{0}.0", "", "1"):
        @case(f"a checksum of the metadata as {text!a}", "refused")
        def _(parts, text=text):
            parts.set("rnw.metadata-crc32", text.format(parts.checksum()))
            parts.repairs = False

    @case("no checksum of the metadata", "refused")
    def _(parts):
        parts.remove("rnw.metadata-crc32")
        parts.repairs = False

    for key, answer in (("configuration", "refused"), ("preprocessing", "refused"), ("source", "refused"),
                        ("tensors", "refused"), ("certificate", "accepted")):  # fmt: skip
        case(f"no record {key}", answer)(lambda parts, key=key: parts.remove(f"rnw.{key}"))


def json_texts():
    """What stands in one text of JSON is refused in each."""
    for key in ("configuration", "preprocessing", "source", "certificate", "tensors"):
        for text in ("null", "[]", "[1]", "", "{", "1", '"{}"', " {}", "\ufeff{}", "{}x", "{}\n", "{},"):
            sets(f"{text!a} as {key}", "refused", f"rnw.{key}", text)
        for label, text in (
            ("a key twice", '{"x":1,"x":1,'), ("a key twice, deep within", '{"x":[{"y":1,"y":2}],'),
            ("null", '{"x":null,'), ("NaN", '{"x":NaN,'), ("an infinity", '{"x":-Infinity,'), ("1e999", '{"x":1e999,'),
            ("a leading zero", '{"x":01,'), ("a sign", '{"x":+1,'), ("a point without digits", '{"x":1.,'),
            ("a point first", '{"x":.5,'), ("an exponent without digits", '{"x":1e,'), ("a bare word", '{"x":yes,'),
            ("True", '{"x":True,'), ("hexadecimal digits", '{"x":0x1,'), ("17 levels", '{"x":' + "[" * 16 + "]" * 16 + ","),
            ("half of a pair", '{"x":"\\ud800",'), ("the other half of a pair", '{"x":"\\udc00",'),
            ("a control character", '{"x":"\t",'), ("an unknown escape", '{"x":"\\x41",'), ("a comment", '{/**/"x":1,'),
            ("a number of 65 characters", '{"x":' + "1" * 65 + ","), ("a comma too many", '{"x":[1,],'),
            ("single quotes", "{'x':1,"), ("a damaged escape", '{"x":"\\u00+1",'),
        ):  # fmt: skip
            replaced(f"{label} in {key}", "refused", f"rnw.{key}", "{", text)
        for label, text in (
            ("unknown values", '{"x":[true,false,"ü",-0,-1,1.5,1e3,1E+3,-1.5e-3,{},[]],'),
            ("16 levels", '{"x":' + "[" * 15 + "]" * 15 + ","), ("white space", '{ \t\n\r"x" : 1 , '),
            ("escapes", '{"\\u0078\\/\\b\\f\\n\\r\\t\\"\\\\":"\\ud83d\\ude00",'),
            ("a number of 64 characters", '{"x":' + "1" * 64 + ","), ("1e-999", '{"x":1e-999,'),
            ("é and é, decomposed", '{"é":1,"e\u0301":2,'),
        ):  # fmt: skip
            if key == "tensors":
                # There it belongs into a record, which is one level deeper.
                text = text.replace("[" * 15 + "]" * 15, "[" * 14 + "]" * 14)
                replaced(f"{label} in a record of tensors", "accepted", "rnw.tensors", ':{"', ":" + text + '"')
            else:
                # A key of the configuration that is not known is an option of a network that is not understood.
                answer = "accepted" if key != "configuration" else "opened"
                replaced(f"{label} in {key}", answer, f"rnw.{key}", "{", text)
        case(f"spaces after {key}", "accepted")(lambda parts, key=key: parts.set(f"rnw.{key}", parts.get(f"rnw.{key}") + "  "))


def entries():
    for label, after in (("a line end", "\n"), ("a NUL", "\0"), ("another object", "{}")):
        @case(f"{label} after the header", "refused")
        def _(parts, after=after):
            parts.after = after

    for label, before in (("a space", " "), ("a byte order mark", "\ufeff")):
        @case(f"{label} before the header", "refused")
        def _(parts, before=before):
            parts.before = before

    @case("a header whose end is no multiple of 64", "refused")
    def _(parts):
        parts.after, parts.alignment = " ", 1
        if (8 + len(parts.bytes()) - len(parts.data)) % 64 == 0:
            parts.after = "  "

    dtype, shape = '"dtype":"U8"', '"shape":['
    replaced("an extra key in an entry", "refused", "entries", dtype, f'"x":1,{dtype}')
    replaced("a key twice in an entry", "refused", "entries", dtype, f"{dtype},{dtype}")
    replaced("null as a type", "refused", "entries", dtype, '"dtype":null')
    replaced("another type", "refused", "entries", dtype, '"dtype":"I8"')
    replaced("a type in small letters", "refused", "entries", dtype, '"dtype":"u8"')
    replaced("an unknown type", "refused", "entries", dtype, '"dtype":"F8_E4M3"')
    replaced("a shape with a leading zero", "refused", "entries", shape, shape + "0")
    replaced("a shape of another rank", "refused", "entries", shape, shape + "1,")
    replaced("a negative size", "refused", "entries", shape, shape + "-")
    for label, text in (("a float", "0.0"), ("an exponent", "0e0"), ("-0", "-0"), ("a text", '"0"'), ("false", "false"),
                        ("a hole", "4"), ("2^63", str(1 << 63)), ("2^64", str(1 << 64)), ("two zeros", "00")):  # fmt: skip
        replaced(f"{label} as an offset", "refused", "entries", '"data_offsets":[0,', f'"data_offsets":[{text},')
    case("a byte after the last tensor", "refused")(lambda parts: parts.bytes() + b"\0")
    case("a byte less", "refused")(lambda parts: parts.bytes()[:-1])
    case("an entry that no record describes", "refused")(
        lambda parts: parts.replace("entries", ',"', f',"zzz":{{"dtype":"U8","shape":[0],"data_offsets":[{len(parts.data)},{len(parts.data)}]}},"')
    )


def records():
    key, weight = "rnw.tensors", '"head.dense.weight":{'
    for label, old, new in (
        ("a checksum that is a float", '"crc32":', '"crc32":1.0,"y":'), ("a checksum of 33 bits", '"crc32":', '"crc32":4294967296,"y":'),
        ("a checksum below 0", '"crc32":', '"crc32":-'), ("a checksum as a text", '"crc32":', '"crc32":"1","y":'),
        ("a checksum as -0", '"crc32":', '"crc32":-0,"y":'), ("a checksum as 1e0", '"crc32":', '"crc32":1e0,"y":'),
        ("a checksum twice", '"crc32":', '"crc32":1,"crc32":'), ("no checksum", '"crc32":', '"CRC32":'),
        ("planes without storedCRC32", '"storedCRC32":', '"storedcrc32":'),
        ("an unknown encoding", '"encoding":"planes"', '"encoding":"gzip"'),
        ("an encoding in capitals", '"encoding":"planes"', '"encoding":"Planes"'),
        ("raw that is planes", '"encoding":"planes"', '"encoding":"raw"'),
        ("same without sameAs", '"encoding":"planes"', '"encoding":"same"'),
        ("sameAs beside planes", '"encoding":"planes"', '"encoding":"planes","sameAs":"head.dense.weight"'),
        ("sameAs that is no text", '"encoding":"planes"', '"encoding":"planes","sameAs":1'),
        ("an unknown type of elements", '"dtype":"F32"', '"dtype":"F8"'), ("BOOL", '"dtype":"F32"', '"dtype":"BOOL"'),
        ("elements of 64 bits as planes", '"dtype":"F32"', '"dtype":"F64"'),
        ("scales of float32", '"dtype":"F32"', '"scales":"head.dense.weight.scales","dtype":"F32"'),
        ("a record twice", weight, weight[:-1] + '{"crc32":1},' + weight), ("a record that is a list", weight, '"x":[],' + weight),
        ("a record of a tensor that is not there", weight, '"zzz":{"crc32":0,"dtype":"F32","encoding":"planes","shape":[0],"storedCRC32":0},' + weight),
        ("scales of another name", '"scales":"', '"scales":"stem.conv.weight.scales","y":"'),
        ("scales that are not there", '"scales":"', '"scales":"x'), ("scales that are no text", '"scales":', '"scales":1,"y":'),
        ("scales of integers themselves", '"scales":"head.dense.weight.scales"', '"scales":"head.dense.weight"'),
        ("a shape that is no list", '"shape":[', '"shape":1,"y":['),
    ):  # fmt: skip
        replaced(label, "refused", key, old, new)
    replaced("a tensor of another shape", "opened", key, '"shape":[', '"shape":[1,')

    @case("a raw record with storedCRC32", "refused", "narrow.float32.none.rnw")
    def _(parts):
        parts.replace(key, '"encoding":"raw"', '"encoding":"raw","storedCRC32":1')

    def record(parts, name):
        return json.loads(parts.get(key))[name]

    def change(parts, name, **changes):
        records = json.loads(parts.get(key))
        records[name] |= changes
        parts.set(key, compact(records))

    repeated = "repeated.int8.planes.rnw"
    parts = Parts(repeated)
    same = next(name for name, item in json.loads(parts.get(key)).items() if item["encoding"] == "same")
    for label, changes in (
        ("another type", {"dtype": "F16"}), ("another shape", {"shape": [1] + record(parts, same)["shape"]}),
        ("another checksum", {"crc32": 1}), ("itself", {"sameAs": same}), ("nothing", {"sameAs": "nothing"}),
        ("a checksum of bytes", {"storedCRC32": 1}), ("the encoding planes", {"encoding": "planes"}),
        ("the encoding raw", {"encoding": "raw"}),
    ):  # fmt: skip
        case(f"the same as another, but with {label}", "refused", repeated)(
            lambda parts, changes=changes: change(parts, same, **changes))  # fmt: skip

    @case("the same as a raw one", "refused", "narrow.float32.none.rnw")
    def _(parts):
        records = json.loads(parts.get(key))
        name = "stem.conv.weight"
        records["zzz"] = {k: records[name][k] for k in ("dtype", "shape", "crc32")} | {"encoding": "same", "sameAs": name}
        parts.set(key, compact(records))

    @case("the same as one that is the same as another", "refused", repeated)
    def _(parts):
        records = json.loads(parts.get(key))
        records["zzz"] = records[same] | {"sameAs": same}
        parts.set(key, compact(records))

    for label, name, changes in (("a checksum of elements", "head.dense.weight", {"crc32": 1}),
                                 ("a checksum of bytes", "head.dense.weight", {"storedCRC32": 1}),
                                 ("a checksum of scales", "head.dense.weight.scales", {"crc32": 1})):  # fmt: skip
        case(f"{label} that differs", "opened")(lambda parts, name=name, changes=changes: change(parts, name, **changes))


def add_tensor(parts, name, dtype="F32", shape=(1,), content=bytes(4), **record):
    """Another tensor at the end, with checksums that fit."""
    begin = len(parts.data)
    records = json.loads(parts.get("rnw.tensors"))
    encoding = record.get("encoding", "raw")
    stored = {"storedCRC32": zlib.crc32(content)} if encoding == "planes" else {}
    records[name] = {"dtype": dtype, "shape": list(shape), "encoding": encoding, "crc32": zlib.crc32(content)} | stored | record
    parts.set("rnw.tensors", compact(records))
    kind, size = ("U8", [len(content)]) if encoding == "planes" else (dtype, list(shape))
    entry = {"dtype": kind, "shape": size, "data_offsets": [begin, begin + len(content)]}
    parts.entries += f",{quoted(name)}:{json.dumps(entry)}"
    parts.data += content


def names():
    for label, name, answer in (
        ("of 256 characters", "x" * 256, "opened"), ("of 257 characters", "x" * 257, "refused"), ("that is empty", "", "refused"),
        ("with a space", "a b", "refused"), ("with a NUL", "stem.conv.weight\0", "refused"), ("with a line end", "a\nb", "refused"),
        ("with an escape character", "\x1b[31m", "refused"), ("with DEL", "a\x7f", "refused"), ("with a C1 character", "a\x85", "refused"),
        ("that is not ASCII", "gewichtä", "refused"), ("with a zero-width space", "stem\u200b", "refused"),
        ("with a right-to-left mark", "stem\u202e", "refused"), ("of signs", "!~'\"\\", "opened"), ("like a key", "crc32", "opened"),
        ("in capitals", "STEM.CONV.WEIGHT", "opened"), ("with the Kelvin sign", "\u212a", "refused"),
    ):  # fmt: skip
        case(f"a tensor with a name {label}", answer)(lambda parts, name=name: add_tensor(parts, name))


def sizes():
    def table(blocks, per_block=1 << 24, width=4):
        return struct.pack(f"<II{blocks * width}I", per_block, blocks, *[0] * blocks * width)

    for label, shape, answer in (
        ("256 MiB of zeros", [1 << 26], "opened"), ("1 GiB of zeros", [1 << 28], "refused"), ("4 TiB of zeros", [1 << 40], "refused"),
        ("2^60 elements of which there are none", [0, 1 << 60], "refused"), ("2^63 elements", [1 << 62, 2], "refused"),
        ("2^124 elements", [1 << 62, 1 << 62], "refused"), ("2^58 elements of which there are none", [0, 1 << 58], "opened"),
        ("33 dimensions", [1] * 33, "refused"), ("32 dimensions", [1] * 32, "opened"),
    ):  # fmt: skip
        count = 1
        for extent in shape:
            count *= extent
        blocks = -(-count // (1 << 24))
        if blocks > 64:
            blocks = 64
        content = table(blocks)
        case(f"planes of {label}", answer)(
            lambda parts, shape=shape, content=content: add_tensor(
                parts, "zzz", shape=shape, content=content, encoding="planes", crc32=0))  # fmt: skip


def documents():
    replaced("a seed of 64 bits", "opened", "rnw.certificate", '"seed":', '"seed":18446744073709551615,"y":')
    for label, text in (("of 65 bits", "18446744073709551616"), ("below 0", "-1"), ("as a float", "1.0"), ("as a text", '"1"'), ("as -0", "-0")):
        replaced(f"a seed {label}", "opened", "rnw.certificate", '"seed":', f'"seed":{text},"y":')
    for label, text in (("infinite", '"inf"'), ("NaN", '"nan"'), ("below 0", "-1e-5"), ("as a text", '"1"'), ("as a flag", "true")):
        replaced(f"a limit that is {label}", "opened", "rnw.certificate", '"limit":', f'"limit":{text},"y":')
    replaced("a limit of 1", "accepted", "rnw.certificate", '"limit":', '"limit":1,"y":')
    replaced("a limit of 0.5e0", "accepted", "rnw.certificate", '"limit":', '"limit":0.5e0,"y":')
    for label, text in (("NaN", '["nan",'), ("an infinity", '["inf",'), ("a text", '["1",'), ("1e39", "[1e39,"), ("one more", "[0,"), ("a list", "[[],")):
        replaced(f"values with {label}", "opened", "rnw.certificate", '"values":[', f'"values":{text}')
    for text in ("1", "[1]", '[{"option":1,"value":"x"}]', '[{"option":"x"}]'):
        replaced(f"assumptions of {text}", "opened", "rnw.certificate", "{", f'{{"assumptions":{text},')
    replaced("an assumption", "accepted", "rnw.certificate", "{", '{"assumptions":[{"option":"x","value":"y"}],')
    replaced("no values", "opened", "rnw.certificate", '"values":', '"values":[],"y":')
    for text in ("[1,64,64]", "[1,64,64,3,1]", "[1,0,64,3]", "[1,-1,64,3]", "[1,64.0,64,3]", "[1,4097,4096,3]", "[1,1048576,1048576,3]",
                 "[9223372036854775807,2,2,2]", "[1,64,64,4]", "[1,64,64,null]", '"x"'):  # fmt: skip
        answer = "refused" if "null" in text else "opened"
        replaced(f"a probe of {text}", answer, "rnw.certificate", '"shape":', f'"shape":{text},"y":')
    for key in ("scale", "offset"):
        for text, answer in (("[1,2.5,-3]", "opened"), ("[1,2]", "opened"), ("[1,2,3,4]", "opened"), ("[]", "opened"),
                             ('[1,"inf",3]', "opened"), ("[1,1e999,3]", "refused"), ("1", "opened"), ('["1",2,3]', "opened"),
                             ("null", "refused"), ("[1,1,1]" if key == "scale" else "[0,0,0]", "accepted")):  # fmt: skip
            replaced(f"a probe with {key} {text}", answer, "rnw.certificate", '"shape":', f'"{key}":{text},"shape":')
    for key in ("probe", "node", "values", "limit"):
        replaced(f"a certificate without {key}", "opened", "rnw.certificate", f'"{key}":', '"y":')
    fingerprints()
    for key in ("file", "sha256", "container", "family", "tool", "used", "waived", "renamedLayers"):
        replaced(f"a source without {key}", "opened", "rnw.source", f'"{key}":', '"y":')
    for key, text in (("file", "1"), ("used", "[]"), ("used", '{"a":1}')):
        replaced(f"a source whose {key} is {text}", "opened", "rnw.source", f'"{key}":', f'"{key}":{text},"y":')
    for text in ("{}", "[1]", '[{"file":"a"}]'):
        replaced(f"a source that went through {text}", "opened", "rnw.source", "{", f'{{"through":{text},')
    step = '{"file":"a.rnw","sha256":"","tool":"rnw"}'
    replaced("a source that went through another file", "accepted", "rnw.source", "{", f'{{"through":[{step}],')
    replaced("a family that nobody knows", "accepted", "rnw.source", '"family":"keras"', '"family":"unheard of"')
    for key, text in (("inputSize", "0"), ("inputSize", "4097"), ("inputSize", "64.0"), ("channelOrder", '"rgb"'), ("inputRange", "0"),
                      ("inputRange", '"inf"'), ("mean", "[0,0]"), ("mean", '[0,0,"nan"]'), ("deviation", "[1,1,0]"), ("deviation", "[1,1,-0.0]"),
                      ("mean", "1"), ("rule", '"crop"'), ("filter", '"lanczos"'), ("size", "0"), ("crop", "4096")):  # fmt: skip
        replaced(f"preprocessing with {text} as {key}", "opened", "rnw.preprocessing", f'"{key}":', f'"{key}":{text},"y":')
    replaced("preprocessing without preprocessing", "opened", "rnw.preprocessing", '"preprocessing":', '"y":')


def fingerprints():
    """Two layers that no network has, with sums of zeros; in the order b, a."""
    whole = {"sums": quoted(base64.b64encode(bytes(102)).decode()), "order": '"AQAAAA=="', "layers": '{"a":[1,2],"b":[1,4,4,3]}'}

    def fingerprint(label, answer, **changes):
        texts = ",".join(f'"{key}":{text}' for key, text in (whole | changes).items() if text)
        replaced(f"fingerprints {label}", answer, "rnw.certificate", "{", f'{{"fingerprints":{{{texts}}},')

    fingerprint("of two layers", "accepted")
    fingerprint("with names and a limit", "accepted", names='["x",""]', limits='{"a":0.5}')
    fingerprint("with a key that nobody knows", "accepted", seed="3")
    fingerprint("of a layer whose values were not finite", "accepted",
                sums=quoted(base64.b64encode(bytes([0, 0x80, 0x7F]) + bytes(99)).decode()))  # fmt: skip
    for key in whole:
        fingerprint(f"without {key}", "opened", **{key: ""})
    for text in ("1", '""', quoted("A" * 132), quoted("A" * 135 + "="), quoted("A" * 140), quoted("-" + "A" * 135), quoted(" " + "A" * 136)):
        fingerprint(f"with the sums {text}", "opened", sums=text)
    for text in ('"AQABAA=="', '"AQACAA=="', '"AQAAAA"', '"AQAAAB=="', '"AQAAAA===="', '"AQAA"', '"AQAAAA==\\n"', "[1,0]"):
        fingerprint(f"in the order {text}", "opened", order=text)
    for text in ("[2]", "[2,2]", "[1,0]", "[1,-1]", "[1,2.0]", "[1,2,3]", "[1,536870913]", "[1,9223372036854775807,9223372036854775807,2]", "[]", "1"):
        fingerprint(f"of the shape {text}", "opened", layers=f'{{"a":{text},"b":[1,4,4,3]}}')
    for text in ('["x"]', '["x","y","z"]', '["x",1]', '"xy"', "{}"):
        fingerprint(f"with the names {text}", "opened", names=text)
    for text in ('{"c":1}', '{"a":-1}', '{"a":"inf"}', '{"a":"1"}', "[1]"):
        fingerprint(f"with the limits {text}", "opened", limits=text)


def network():
    key = "rnw.configuration"
    for label, old, new in (
        ("an unknown block", '"kind":"bottleneck"', '"kind":"wide"'), ("a block in capitals", '"kind":"bottleneck"', '"kind":"Bottleneck"'),
        ("a stage more", '"stages":[', '"stages":[{"blocks":1,"innerChannels":8,"outputChannels":8,"stride":1},'),
        ("no blocks in a stage", '"blocks":', '"blocks":0,"y":'), ("blocks as a float", '"blocks":', '"blocks":2.0,"y":'),
        ("blocks as 2e0", '"blocks":', '"blocks":2e0,"y":'), ("1025 blocks", '"blocks":', '"blocks":1025,"y":'),
        ("blocks as a text", '"blocks":', '"blocks":"2","y":'), ("a stride of 9", '"stride":', '"stride":9,"y":'),
        ("ε of 1", '"epsilon":', '"epsilon":1,"y":'), ("ε below 0", '"epsilon":', '"epsilon":-1e-9,"y":'), ("ε as NaN", '"epsilon":', '"epsilon":"nan","y":'),
        ("ε as a text", '"epsilon":', '"epsilon":"1e-5","y":'), ("a flag as a number", '"hasNorm":', '"hasNorm":0,"y":'),
        ("a flag as a text", '"hasNorm":', '"hasNorm":"false","y":'), ("two norms", '"norm":{', '"norm":{"group":{"count":1,"epsilon":1e-5},'),
        ("no norm", '"norm":', '"NORM":'), ("no stages", '"stages":', '"y":'), ("stages that are no list", '"stages":', '"stages":{},"y":'),
    ):  # fmt: skip
        replaced(f"a configuration with {label}", "opened", key, old, new)
    case("a tensor outside the network", "opened")(lambda parts: add_tensor(parts, "zzz.extra"))
    case("scales outside the network", "opened")(lambda parts: add_tensor(parts, "stem.norm.scale.scales"))

    @case("a tensor of whole numbers in the network", "opened", "narrow.float32.none.rnw")
    def _(parts):
        parts.set("rnw.tensors", parts.get("rnw.tensors").replace('"dtype":"F32"', '"dtype":"I32"'))
        parts.entries = parts.entries.replace('"dtype":"F32"', '"dtype":"I32"')


def delta(old, new):
    """The new bytes as pieces of the old ones and others between them."""
    places = {}
    for offset in range(len(old) - MAXIMUM_WINDOW, -1, -1):
        places[old[offset : offset + MAXIMUM_WINDOW]] = offset
    pieces, own, at, expected = [], bytearray(), 0, 0
    while at < len(new):
        window = new[at : at + MAXIMUM_WINDOW]
        offset = expected if old[expected : expected + len(window)] == window else places.get(window)
        if offset is None:
            own.append(new[at])
            at += 1
            continue
        length = 0
        while at + length < len(new) and offset + length < len(old) and new[at + length] == old[offset + length]:
            length += 1
        if own:
            pieces.append(base64.b64encode(bytes(own)).decode())
            own.clear()
        pieces.append([offset, length])
        at, expected = at + length, offset + length
    if own:
        pieces.append(base64.b64encode(bytes(own)).decode())
    return pieces


def content(item):
    """The bytes of a case of the table."""
    golden = (HERE / item["file"]).read_bytes()
    return b"".join(
        base64.b64decode(piece) if isinstance(piece, str) else golden[piece[0] : piece[0] + piece[1]] for piece in item["bytes"]
    )


def stored_cases():
    """The name, the answer and the bytes of every case of the table that is there."""
    for item in json.loads((HERE / "cases.json").read_text()):
        yield item["name"], item["answer"], content(item)


def main():
    write_all()
    lines = []
    for name, answer, file, new in CASES:
        item = {"name": name, "answer": answer, "file": file, "bytes": delta((HERE / file).read_bytes(), new)}
        assert content(item) == new, name
        lines.append(json.dumps(item, separators=(",", ":")))
    assert len({name for name, *_ in CASES}) == len(CASES)
    (HERE / "cases.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
