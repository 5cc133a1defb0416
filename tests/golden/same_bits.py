"""Trains every synchronous method with two builds of the program and compares what they leave.

    python3 tests/golden/same_bits.py OLD/bin/valley NEW/bin/valley

Weights, optimizer, algorithm and generators of every worker at every checkpoint, the model, and the
recorded figures but seconds must agree to the bit. Both run on this machine, because other processors
round differently. scripts/test-bits.sh builds the old program and calls this.
"""

import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

SMALL = "--data prototypes --train-samples 240 --test-samples 60 --model mlp-16-8 --batch-size 8".split()
IMAGES = ("--data blobs --train-samples 96 --test-samples 40 --model resnet-8 --batch-size 8 --flip "
          "--crop-padding 2 --steps 10 --tail keep").split()
COMMON = "--steps 24 --threads 1 --workers 3 --checkpoint-every 7 --keep-checkpoints 100 --lr 0.05".split()

# Beside every method with its own defaults: what else takes another path through the code.
VARIANTS = [
    "dppf --push-variant exact --push-schedule increasing",
    "dppf --push-relative --push 0.01 --period post-local:1:3 --push-schedule linear-decreasing",
    "dppf --optimizer adamw --decay matrices --weight-decay 0.01 --lr 0.003",
    "dppf --sam 0.05 --nesterov",
    "dppf --sam 0.5 --sam-adaptive --workers 1",
    "local-sgd --period qsr:2:0.05 --lr-schedule cosine --workers 2",
    "dppf --partition dirichlet:0.5 --probe 5 --probe-samples 40",
    "easgd --push 0",
    "lsgd --leader-pull 0.1",
    "mgrawa --push 0",
    "slowmo --outer-lr 0.9 --outer-momentum 0.3",
    "diloco --outer-lr 0.5",
    "dpsgd --mixing awc --topology star",
    "dpsgd --mixing cta --lazy --workers 4 --topology torus",
    "dpsgd --topology matching --workers 4",
    "sgp --topology one-peer-exponential --workers 4",
    "sgp --mixing awc --topology directed-ring",
    "dsgtm-tv --tracking-momentum 0.5",
    "choco --compress sign",
    "choco --compress random-k:0.2",
    "choco --compress int8 --consensus-step 0.5",
    "ssgd --bucket-bytes 300",
    "dppf --launch processes",
    "gradient-tracking --launch processes",
    "ssgd --launch processes",
]


def methods(program):
    """The names of all methods whose workers wait for each other."""
    rows = subprocess.run([program, "list", "algorithms"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^([a-z][a-z0-9-]*)  ", rows, re.MULTILINE)
    return [name for name in names if name not in ("algorithm", "ad-psgd")]


def tensors(file):
    """Name -> (dtype, shape, bytes) of a safetensors file, whatever its metadata say."""
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    data = content[8 + length :]
    return {
        name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])])
        for name, entry in header.items()
    }


def figures(folder):
    """metrics.jsonl without what a clock measured."""
    def timeless(value):
        if isinstance(value, dict):
            return {k: timeless(v) for k, v in value.items() if "second" not in k and k != "crc32c"}
        return value

    return [timeless(json.loads(line)) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def differences(old, new):
    files = sorted(p.relative_to(old) for p in old.rglob("*.safetensors"))
    if files != sorted(p.relative_to(new) for p in new.rglob("*.safetensors")):
        yield "other files"
        return
    for file in files:
        a, b = tensors(old / file), tensors(new / file)
        for name in sorted(a.keys() | b.keys()):
            if a.get(name) != b.get(name):
                yield f"{file}: {name}"
    if figures(old) != figures(new):
        yield "metrics.jsonl"


def main(old, new):
    cases = [f"{name} {flags}" for name in methods(old) for flags in ("", "IMAGES")] + VARIANTS
    failed = 0
    for case in cases:
        algorithm, *flags = case.split()
        data = SMALL
        if "IMAGES" in flags:
            data, flags = IMAGES, []
        if algorithm in ("qg-dsgdm",):
            flags = [*flags, "--momentum", "0"]
        with tempfile.TemporaryDirectory() as folder:
            outs = []
            for program in (old, new):
                out = pathlib.Path(folder) / ("old" if program == old else "new")
                # Later flags win nowhere: what a variant gives, the common ones must not.
                settings = dict(pairs(COMMON)) | dict(pairs(data)) | dict(pairs(flags))
                arguments = [item for pair in settings.items() for item in pair if item is not None]
                command = [program, "train", "--algorithm", algorithm, *arguments, "--out", out, "--quiet"]
                result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
                if result.returncode != 0:
                    sys.exit(f"{' '.join(map(str, command))}: {result.stderr}")
                outs.append(out)
            found = list(differences(*outs))
        print(f"{'differs' if found else 'same':8}{case}" + "".join(f"\n        {f}" for f in found[:5]))
        failed += bool(found)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return failed > 0


def pairs(flags):
    """("--flag", value or None) of a list of arguments."""
    i = 0
    while i < len(flags):
        alone = i + 1 == len(flags) or flags[i + 1].startswith("--")
        yield flags[i], None if alone else flags[i + 1]
        i += 1 if alone else 2


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] == sys.argv[2]:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
