#!/usr/bin/python3
"""Makes the corpora of the fuzz targets anew: tests/fuzz/corpus/TARGET/NAME, a few bytes each.

A name that begins with "good" is taken by its target, every other one is refused; fuzz_test looks.
What was once neither stays in them.
"""
import gzip
import io
import json
import pathlib
import struct
import zlib

BETWEEN = b"\n====\n"  # see parts() of fuzzer.h
FOLDER = pathlib.Path(__file__).resolve().parent / "corpus"


def put(target, name, content):
    content = content.encode() if isinstance(content, str) else content
    (FOLDER / target).mkdir(parents=True, exist_ok=True)
    (FOLDER / target / name).write_bytes(content)


def packed(content):
    return gzip.compress(content, mtime=0)


def idx_array(sizes, values):
    return struct.pack(f">{1 + len(sizes)}I", 0x0800 + len(sizes), *sizes) + bytes(values)


def idx():
    labels, images = idx_array([2], [0, 1]), idx_array([2, 1, 2], range(4))
    put("idx", "good", BETWEEN.join([labels, images] * 2))
    put("idx", "good-packed", BETWEEN.join([packed(labels), packed(images), labels, images]))
    put("idx", "good-unseen-label", BETWEEN.join([idx_array([2], [0, 3]), images, labels, images]))
    put("idx", "cut", BETWEEN.join([labels, images[:-1]] * 2))
    put("idx", "cut-packed", BETWEEN.join([packed(labels)[:-9], images, labels, images]))
    put("idx", "claims-all", BETWEEN.join([labels, struct.pack(">4I", 0x0803, *[0xffffffff] * 3)] * 2))
    put("idx", "claims-much", BETWEEN.join([struct.pack(">2I", 0x0801, 0x7fffffff), images] * 2))
    put("idx", "no-values", BETWEEN.join([idx_array([0], []), images] * 2))


def cifar():
    record = bytes([3]) + bytes(3072)
    put("cifar", "good", record + BETWEEN + record)
    put("cifar", "good-two", record + bytes([9]) + bytes(3072) + BETWEEN + record)
    put("cifar", "label", bytes([10]) + bytes(3072) + BETWEEN + record)
    put("cifar", "half-a-record", record[:100] + BETWEEN + record)


def riff(chunks, size=None):
    body = b"WAVE" + b"".join(name + struct.pack("<I", length) + content for name, length, content in chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def wav():
    form = (b"fmt ", 16, struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
    samples = struct.pack("<4h", 0, 1000, -1000, 5)
    put("wav", "good", riff([form, (b"data", 8, samples)]))
    put("wav", "good-out-of-a-pipe", riff([form, (b"data", 0xffffffff, samples)], size=0xffffffff))
    put("wav", "good-a-chunk-more", riff([form, (b"LIST", 4, b"INFO"), (b"data", 8, samples)]))
    put("wav", "cut", riff([form, (b"data", 80, samples)]))
    put("wav", "stereo", riff([(b"fmt ", 16, struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16)), (b"data", 8, samples)]))
    put("wav", "floats", riff([(b"fmt ", 16, struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32)), (b"data", 8, samples)]))
    put("wav", "good-list-of-nonsense", riff([form, (b"LIST", 84, b"INFO" + b"\xff" * 80), (b"data", 8, samples)]))
    put("wav", "list-of-4-GB", riff([form, (b"LIST", 0xff000004, b"\xff" * 80), (b"data", 8, samples)]))
    put("wav", "chunk-of-4-GB", riff([form, (b"LIST", 0xfffffff0, b"INFO"), (b"data", 8, samples)]))


def npy_array(descr, shape, values, order="False", version=1):
    header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + values


def npy():
    x = npy_array("<f4", "(2, 3)", struct.pack("<6f", *range(6)))
    y = npy_array("<i8", "(2,)", struct.pack("<2q", 0, 1))
    put("npy", "good", BETWEEN.join([x, y] * 2))
    images = npy_array("|u1", "(2, 1, 2, 2)", bytes(8), version=2)
    put("npy", "good-images", BETWEEN.join([images, y] * 2))
    real = npy_array("<f8", "(2, 1)", struct.pack("<2d", 0.5, -1))
    put("npy", "good-real", BETWEEN.join([npy_array("<u2", "(2,)", bytes(4)), real] * 2))
    put("npy", "cut", BETWEEN.join([x[:-1], y, x, y]))
    put("npy", "claims-all", BETWEEN.join([npy_array("<f4", "(2, 4611686018427387904)", b""), y, x, y]))
    put("npy", "header-of-4-GB", BETWEEN.join([b"\x93NUMPY\2\0\xff\xff\xff\xff{}", y, x, y]))
    put("npy", "object", BETWEEN.join([npy_array("|O", "(2,)", bytes(16)), y, x, y]))
    put("npy", "big-endian", BETWEEN.join([npy_array(">f4", "(2, 3)", bytes(24)), y, x, y]))
    put("npy", "no-type", BETWEEN.join([npy_array("", "(2, 3)", bytes(24)), y, x, y]))
    put("npy", "largest-label", BETWEEN.join([x, npy_array("<i8", "(2,)", struct.pack("<2q", 0, (1 << 63) - 1)), x, y]))
    put("npy", "beyond-float32", BETWEEN.join([npy_array("<f8", "(2,)", struct.pack("<2d", 0, 1e300)), y, x, y]))
    put("npy", "nan", BETWEEN.join([npy_array("<f4", "(2, 3)", struct.pack("<6f", *[float("nan")] * 6)), y, x, y]))


def table():
    rows = "a,b,c\n1,red,x\n2,blue,y\n,red,x\n4,blue,y\n5,red,x\n"
    put("table", "good", rows + BETWEEN.decode() + rows)
    put("table", "good-numbers", "1;2\n3;4\n5;6\n" + BETWEEN.decode() + "1;2\n")
    put("table", "good-quoted", 'a,"b ""c"""\n"1,5",2\n2,"3\n"\n' + BETWEEN.decode() + 'a,"b ""c"""\n1,2\n')
    put("table", "good-text-beyond-float32", "a,b\n1e39,x\n2,x\n" + BETWEEN.decode() + "a,b\n1e39,x\n")
    put("table", "ragged", "a,b\n1,2\n3\n" + BETWEEN.decode() + "a,b\n1,2\n")
    put("table", "open-quote", 'a,b\n1,"2\n' + BETWEEN.decode() + "a,b\n1,2\n")
    put("table", "no-rows", "a,b\n" + BETWEEN.decode() + "a,b\n")


def text():
    put("text", "good", "to be or not to be, that is the question\n")
    put("text", "good-packed", packed(b"to be or not to be, that is the question\n"))
    put("text", "short", "to be")
    put("text", "cut-packed", packed(b"to be or not to be, that is the question\n")[:-8])


def png(width, height, bits, colour, rows, palette=b""):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + (chunk(b"PLTE", palette) if palette else b"")
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def picture():
    from PIL import Image

    put("picture", "good-grey.png", png(2, 2, 8, 0, b"\0\1\2\0\3\4"))
    put("picture", "good-colour.png", png(1, 2, 8, 2, b"\0\1\2\3\0\4\5\6"))
    put("picture", "good-bits.png", png(8, 1, 1, 0, b"\0\x55"))
    put("picture", "good-palette.png", png(2, 1, 8, 3, b"\0\0\1", bytes(6)))
    put("picture", "cut.png", png(2, 2, 8, 0, b"\0\1\2\0\3\4")[:-20])
    put("picture", "claims-all.png", png(0x7fffffff, 0x7fffffff, 8, 0, b"\0\1\2"))
    put("picture", "claims-much.png", png(16384, 16384, 8, 0, b"\0\1\2"))
    for mode in ("L", "RGB"):
        buffer = io.BytesIO()
        Image.new(mode, (3, 2), 100 if mode == "L" else (10, 100, 200)).save(buffer, "JPEG")
        put("picture", f"good-{mode}.jpg", buffer.getvalue())
    jpeg = buffer.getvalue()
    put("picture", "cut.jpg", jpeg[:-10])
    start = jpeg.index(b"\xff\xc0") + 5
    put("picture", "claims-much.jpg", jpeg[:start] + struct.pack(">HH", 16000, 16000) + jpeg[start + 4:])
    put("picture", "neither", "GIF89a")


def tensors(entries, data, first=b""):
    header = first + json.dumps(entries, separators=(",", ":")).encode()
    if first:
        header = first + json.dumps(entries, separators=(",", ":")).encode()[1:]
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def safetensors():
    a = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    b = {"dtype": "U8", "shape": [3, 1], "data_offsets": [8, 11]}
    put("safetensors", "good", tensors({"a": a, "b": b}, bytes(11)))
    put("safetensors", "good-metadata", tensors({"__metadata__": {"k": "v"}, "a": a}, bytes(8)))
    put("safetensors", "good-scalar", tensors({"a": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]}}, bytes(8)))
    put("safetensors", "good-nothing", tensors({"a": {"dtype": "F16", "shape": [0, 5], "data_offsets": [0, 0]}, "b": a},
                                               bytes(8)))
    put("safetensors", "checksum", tensors({"a": a}, bytes(8), b'{"__metadata__":{"crc32c":"00000000"},'))
    put("safetensors", "gap", tensors({"a": a, "b": {**b, "data_offsets": [9, 12]}}, bytes(12)))
    put("safetensors", "cut", tensors({"a": a, "b": b}, bytes(10)))
    put("safetensors", "claims-all", tensors({"a": {**a, "shape": [1 << 62, 4]}}, bytes(8)))
    put("safetensors", "nothing-of-2^64", tensors({"a": {"dtype": "U8", "shape": [0, 1 << 32, 1 << 32],
                                                         "data_offsets": [0, 0]}}, b""))
    put("safetensors", "deep", struct.pack("<Q", 400) + b'{"a":' + b"[" * 395)
    put("safetensors", "negative", tensors({"a": {**a, "shape": [-2, -1]}}, bytes(8)))
    put("safetensors", "header-of-2^63", struct.pack("<Q", 1 << 63) + b"{}")
    put("safetensors", "no-json", struct.pack("<Q", 8) + b"{       ")


def member(name, content, method=0):
    body = content if method == 0 else zlib.compress(content, wbits=-15)
    crc = zlib.crc32(content)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0, method, 0, 0, crc, len(body), len(content), len(name), 0)
    central = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\1\2", 20, 20, 0, method, 0, 0, crc, len(body), len(content),
                          len(name), 0, 0, 0, 0, 0, 0)
    return local + name + body, central + name


def archive(name, content, method=0, damage=b""):
    local, central = member(name, content, method)
    local = damage + local[len(damage):]
    return local + central + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)


def zips():
    put("zip", "good", archive(b"a/data.pkl", b"hello"))
    put("zip", "good-packed", archive(b"a/data.pkl", b"hello hello hello", 8))
    put("zip", "good-no-zip", "not an archive")
    put("zip", "no-member", archive(b"a", b"hello", damage=b"XX"))
    put("zip", "damaged", archive(b"a", b"hello").replace(b"hello", b"hallo"))


def manifest():
    worker = tensors({"__metadata__": {"state": "{}"},
                      "x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)).decode()
    about = {"step": 4, "total_steps": 8, "workers": 1, "algorithm": "dppf", "model": "lenet"}
    put("manifest", "good", json.dumps(about) + BETWEEN.decode() + worker)
    files = [{"file": "worker-0.safetensors", "bytes": 96, "crc32c": "00000000"}]
    put("manifest", "another's", json.dumps({**about, "files": files}) + BETWEEN.decode() + worker)
    put("manifest", "checksum", json.dumps({**about, "crc32c": "00000000"}) + BETWEEN.decode() + worker)
    put("manifest", "flipped-key", json.dumps({**about, "crc32b": "00000000"}) + BETWEEN.decode() + worker)
    put("manifest", "of-another-step", json.dumps({**about, "step": 5}) + BETWEEN.decode() + worker)
    put("manifest", "no-worker", json.dumps(about) + BETWEEN.decode())
    put("manifest", "texts", json.dumps({key: "1" for key in about}) + BETWEEN.decode() + worker)
    put("manifest", "cut", json.dumps(about)[:-9] + BETWEEN.decode() + worker)
    put("manifest", "no-workers", json.dumps({**about, "workers": 0}) + BETWEEN.decode() + worker)
    put("manifest", "no-steps", json.dumps({**about, "total_steps": 0}) + BETWEEN.decode() + worker)
    put("manifest", "deep", '{"crc32c":' + "[" * 200 + BETWEEN.decode() + worker)
    put("manifest", "too-large-a-number", '{"step":1e999}' + BETWEEN.decode() + worker)


def metrics():
    put("metrics", "good", '{"kind":"round","step":4,"width":1.5}\n{"kind":"round","step":12,"width":null}\n')
    put("metrics", "good-torn", '{"step":4}\n{"step":8,"wid')
    put("metrics", "good-empty", "")
    put("metrics", "checksum", '{"step":4,"crc32c":"00000000"}\n{"step":5}\n')
    put("metrics", "deep", '{"step":' + "[" * 200 + "]" * 200 + "}\n{}\n")
    put("metrics", "no-object", '{"step":4}\n[1]\n{"step":5}\n')


def config():
    put("config", "good", 'algorithm = "dppf"\nlr = 0.1\nnesterov = true\nworkers = 2\n')
    put("config", "good-numbers", "lr = 1_000.5e-3\nseed = 0x10\nepochs = 3\n")
    put("config", "good-text", "out = \"\\u00e4\\u007f\"\nmodel = '''mlp-8'''\n")
    put("config", "unknown", "lrr = 0.1\n")
    put("config", "table", "[a]\nb = 1\n")
    put("config", "date", "lr = 1979-05-27\n")
    put("config", "no-key", "[=]\n")
    put("config", "presentation-form", "o\ufecb\n=")
    put("config", "open-text", 'model = "lenet\n')
    put("config", "out-of-range", "workers = 0\n")
    put("config", "too-large", "epochs = 99999999999999999999\n")


def recipe():
    good = ('algorithm = "dppf"\ndata = "blobs"\nmodel = "mlp-8-8"\nworkers = 2\n\n[grid]\nlr = [0.01, 0.1]\n'
            'seed = [0, 1]\n\n[sharpness]\nmeasures = "entropy,gradient-norm"\nsamples = 16\n')
    put("recipe", "good", good)
    put("recipe", "twice", good.replace("0.01, 0.1", "0.1, 0.1"))
    put("recipe", "no-grid", "lr = 0.1\n")
    put("recipe", "empty-axis", "[grid]\nlr = []\n")
    put("recipe", "unknown-option", good + "sample = 3\n")
    put("recipe", "lists-in-lists", "[grid]\nlr = " + "[" * 60 + "]" * 60 + "\n")
    ten = "[" + ", ".join(str(k) for k in range(1, 11)) + "]"
    put("recipe", "too-many-runs", "[grid]\n" + "".join(
        f"{key} = {ten}\n" for key in ("seed", "epochs", "batch-size", "period", "steps", "warmup-steps",
                                       "evaluate-every", "keep", "lr", "data-seed")))


def topology():
    third = "1/3 1/3 1/3\n" * 3
    put("topology", "good-matrix", third)
    put("topology", "good-edges", "# a chain\n0 1\n1, 2\n")
    put("topology", "good-directed", "0 1\n1 2\n2 0\n")
    put("topology", "division-by-0", third.replace("1/3", "1/0", 1))
    put("topology", "no-number", "a b c\n" * 3)
    put("topology", "alone", "0 1\n")


def environment():
    put("environment", "good", "RANK=1\nWORLD_SIZE=2\nMASTER_ADDR=10.0.0.1\nMASTER_PORT=29501\n")
    put("environment", "good-torchrun", "RANK=0\nWORLD_SIZE=2\nLOCAL_RANK=0\nTORCHELASTIC_RUN_ID=none\n"
        "TORCHELASTIC_USE_AGENT_STORE=True\nTORCHELASTIC_RESTART_COUNT=3\nMASTER_ADDR=[fd00::1]:29500\n")
    put("environment", "good-mpirun", "OMPI_COMM_WORLD_RANK=1\nOMPI_COMM_WORLD_SIZE=2\nOMPI_COMM_WORLD_LOCAL_RANK=1\n"
        "OMPI_COMM_WORLD_LOCAL_SIZE=2\nOMPI_MCA_ess_base_jobid=1234567\nPMIX_NAMESPACE=job\nPMIX_RANK=1\n")
    put("environment", "good-srun", "SLURM_PROCID=1\nSLURM_STEP_NUM_TASKS=2\nSLURM_LOCALID=0\nSLURM_STEP_ID=0\n"
        "SLURM_JOB_ID=77\nSLURM_STEP_NUM_NODES=2\nMASTER_ADDR=node1:29500\n")
    put("environment", "good-launched", "VALLEY_LAUNCHED=ab12\nVALLEY_WORKER=3\nRANK=1\nWORLD_SIZE=2\n")
    put("environment", "good-mpiexec", "PMI_RANK=1\nPMI_SIZE=2\nMPI_LOCALRANKID=1\nMPI_LOCALNRANKS=2\n")
    put("environment", "good-alone", "PATH=/usr/bin\n")
    put("environment", "half", "RANK=1\n")
    put("environment", "rank-above-size", "RANK=2\nWORLD_SIZE=2\n")
    put("environment", "contradiction", "RANK=0\nWORLD_SIZE=2\nOMPI_COMM_WORLD_RANK=1\nOMPI_COMM_WORLD_SIZE=2\n")
    put("environment", "local-rank", "RANK=0\nWORLD_SIZE=2\nLOCAL_RANK=4294967295\n")
    put("environment", "large-job", "SLURM_PROCID=1\nSLURM_STEP_NUM_TASKS=2\nSLURM_STEP_ID=1\n"
        "SLURM_JOB_ID=9223372036854775807\n")
    put("environment", "two-ports", "RANK=1\nWORLD_SIZE=2\nMASTER_ADDR=a:1\nMASTER_PORT=2\n")


def counted(*texts):
    return "".join(f"{len(text)} {text}" for text in texts)


def meeting():
    card = counted("version of valley", "0.1.0", "workers", "2")
    put("meeting", "good-card", card)
    put("meeting", "good-welcome", BETWEEN.decode().join(["job=.", "verdict=0127.0.0.1\n10.0.0.2\n"]))
    put("meeting", "of-another-job", BETWEEN.decode().join(["job=other.", "verdict=0127.0.0.1\n127.0.0.1\n"]))
    put("meeting", "refused", BETWEEN.decode().join(["job=.", "verdict=1lr: 0.1 on rank 0, 0.2 on rank 1"]))
    put("meeting", "another-version", BETWEEN.decode().join(["job=.", "join/1=ab12 10.0.0.2 " + card]))
    put("meeting", "no-card", BETWEEN.decode().join(["job=.", "join/1=ab12 10.0.0.2 8 short"]))
    put("meeting", "no-verdict", BETWEEN.decode().join(["job=.", "verdict="]))
    put("meeting", "no-job", BETWEEN.decode().join(["job=", "verdict=0a\nb\n"]))
    put("meeting", "too-few", BETWEEN.decode().join(["job=.", "verdict=0a\n"]))
    put("meeting", "place-taken", BETWEEN.decode().join(["job=.", "join/0=x", "join/1="]))


def gathering():
    put("gathering", "good", BETWEEN.decode().join(["number=0", "group/1=1 1 0\n3 here\n5 there\n",
                                                    "group/2=2 1 0\n5 there\n3 again\n"]))
    put("gathering", "left-out", BETWEEN.decode().join(["number=0", "group/1=1 1 0\n5 there\n"]))
    put("gathering", "no-number", "number=seven")
    put("gathering", "largest-number", "number=9223372036854775807")
    put("gathering", "never", "number=7")


def header_bytes(sequence, operation, text, numel=4, sends=4):
    return struct.pack("<qqiiibbhqqiiq", sequence, numel, operation, 0, -1, text, 0, 0, sends, -1, 0, 0, 0)


def handshake():
    call = b"VALLEY1\n" + struct.pack("<q", 1) + bytes(range(16))
    put("handshake", "good", call)
    put("handshake", "good-guesses", call + bytes(32))
    put("handshake", "good-says-more", call + bytes(1000))
    put("handshake", "cut", call[:20])
    put("handshake", "another-version", b"VALLEY2\n" + call[8:])
    put("handshake", "http", b"GET / HTTP/1.1\r\n\r\n")
    put("handshake", "nothing", b"")


def header():
    same = header_bytes(1, 1, 1, numel=0)
    put("header", "good", same * 2 + b"0 2 connection closed")
    put("header", "another-operation", header_bytes(1, 0, 0) + same + b"2 1 timed out")
    put("header", "another-number", header_bytes(2, 1, 1, numel=0) + same + b"1 1 it left")
    put("header", "no-operation", header_bytes(1, 99, 1) + same + b"9 1 it left")
    put("header", "no-text", header_bytes(1, 1, 1, numel=0, sends=-1) + same + b"")
    put("header", "text-of-2^62", header_bytes(1, 1, 1, numel=0, sends=1 << 62) + same + b"")
    put("header", "too-few", same[:30])


def frame(slot, content, size=None):
    return struct.pack("<QQ", slot, len(content) if size is None else size) + content


def mesh():
    put("mesh", "good", frame(1, bytes(64)) + frame(2, bytes(16)) + frame(1, bytes(8)))
    put("mesh", "good-another-order", frame(2, bytes(16)) + frame(1, bytes(64)) + frame(1, bytes(8)))
    put("mesh", "good-one-more", frame(9, bytes(700)) + frame(1, bytes(64)) + frame(2, bytes(16)) + frame(1, bytes(8)))
    put("mesh", "another-size", frame(1, bytes(60)))
    put("mesh", "cut", frame(1, bytes(64))[:-1])
    put("mesh", "kept-of-another-size", frame(2, bytes(15)) + frame(1, bytes(64)) + frame(1, bytes(8)))
    put("mesh", "claims-all", frame(9, b"abc", size=1 << 60))
    put("mesh", "leaves", b"")


if __name__ == "__main__":
    for make in (idx, cifar, wav, npy, table, text, picture, safetensors, zips, manifest, metrics, config, recipe,
                 topology, environment, meeting, gathering, header, handshake, mesh):
        make()
