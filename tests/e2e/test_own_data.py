"""Data of one's own: looked at, trained on, scored and asked."""

import csv
import gzip
import io
import json
import math
import shutil
import unittest

import numpy as np
from PIL import Image
from program import ProgramTest, read_json, with_flags

TRAIN = "--workers 2 --threads 1 --steps 8 --batch-size 8".split()


class OwnData(ProgramTest):
    def setUp(self):
        super().setUp()
        self.random = np.random.default_rng(1)

    def start(self, *arguments, **options):
        """With a store of decoded pictures of its own."""
        return super().start(*arguments, env={"VALLEY_CACHE": str(self.folder / "store")}, **options)

    def look(self, name, *flags):
        return json.loads(self.succeed("data", name, "--json", *flags))

    def train_on(self, name, *flags):
        self.succeed("train", "--data", name, *with_flags(TRAIN, *flags), "--quiet", "--out", "run")
        return read_json(self.folder / "run" / "summary.json")

    def save(self, part, x, y):
        folder = self.folder / "arrays"
        folder.mkdir(exist_ok=True)
        np.save(folder / f"x_{part}.npy", x)
        np.save(folder / f"y_{part}.npy", y)

    def picture(self, path, size=(40, 30), mode="RGB", **options):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
        smooth = Image.fromarray(self.random.integers(0, 256, shape, dtype=np.uint8)).resize(size, Image.BICUBIC)
        smooth.resize((8, 6)).resize(size, Image.BICUBIC).save(path, **options)
        return path


class Arrays(OwnData):
    def test_every_type_of_numpy(self):
        for kind in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 ?".split():
            with self.subTest(kind):
                x = self.random.integers(0, 2 if kind == "?" else 100, (20, 3)).astype(kind)
                self.save("train", x, np.arange(20) % 2)
                self.save("test", x[:4], np.arange(4, dtype="i2") % 2)
                found = self.look("arrays:arrays")
                self.assertEqual((found["training_examples"], found["test_examples"]), (20, 4))
                self.assertEqual(found["example"], [3, 1, 1])
                values = found["training_values"]
                scale = values.get("scaled_by", 1)
                np.testing.assert_allclose(values["mean"], x.astype("f8").mean(0) * scale, rtol=1e-3)
                np.testing.assert_allclose(values["stddev"], x.astype("f8").std(0) * scale, rtol=1e-3)

    def test_what_numpy_writes_and_valley_does_not_read(self):
        self.save("test", np.zeros((2, 3)), [0, 1])
        for x, message in ((np.zeros((2, 3), ">f4"), "big-endian"), (np.zeros((2, 3), order="F"), "Fortran order"),
                           (np.zeros((2, 3), "c8"), "of type <c8"), (np.array([["a"], ["b"]]), "of type <U1")):  # fmt: skip
            self.save("train", x, [0, 1])
            code, _, err = self.run_valley("train", "--data", "arrays:arrays", "--out", "run")
            self.assertEqual(code, 2)
            self.assertIn(message, err)
            self.assertEqual(err.count("\n"), 1)
            self.assertFalse((self.folder / "run").exists())

    def test_a_regression_is_learned_scored_and_asked(self):
        x = self.random.normal(size=(400, 3))
        y = x @ [1.0, -2.0, 0.5]
        self.save("train", x[:300], y[:300])
        self.save("test", x[300:], y[300:])
        summary = self.train_on("arrays:arrays", "--task", "regression", "--model", "mlp-16-16", "--lr", 0.01, "--algorithm", "local-sgd", "--steps", 400)
        self.assertGreater(summary["test_r2"], 0.95)
        found = json.loads(self.succeed("evaluate", "run", "--json"))["runs"][0]
        self.assertAlmostEqual(found["test"]["r2"], summary["test_r2"], 4)
        np.save(self.folder / "new.npy", x[300:])
        rows = list(csv.reader(io.StringIO(self.succeed("predict", "run", "new.npy"))))
        self.assertEqual(rows[0], ["file", "place", "values"])
        asked = np.array([float(row[2]) for row in rows[1:]])
        self.assertAlmostEqual(1 - ((asked - y[300:]) ** 2).mean() / y[300:].var(), summary["test_r2"], 3)

    def test_each_class_by_itself(self):
        x, y = self.random.normal(size=(120, 7)), np.arange(120) % 7
        x[np.arange(120), y] += 4
        self.save("train", x[:90], y[:90])
        self.save("test", x[90:], y[90:])
        flags = ("--model", "mlp-16-16", "--algorithm", "local-sgd", "--lr", 0.05, "--steps", 60)
        self.train_on("arrays:arrays", *flags, "--label-smoothing", 0.1, "--class-weights", "1,1,1,1,1,1,2")
        test = json.loads(self.succeed("evaluate", "run", "--classes", "--json"))["runs"][0]["test"]
        confusion = np.array(test["confusion"])
        self.assertEqual(confusion.sum(1).tolist(), np.bincount(y[90:]).tolist())
        self.assertAlmostEqual(confusion.trace() / 30, test["accuracy"])
        self.assertAlmostEqual(confusion[3, 3] / confusion[3].sum(), test["classes"][3]["accuracy"])
        self.assertGreaterEqual(test["top5_accuracy"], test["accuracy"])
        answers = np.array([row[2] for row in csv.reader(io.StringIO(self.predict(x[90:])))][1:], int)
        self.assertEqual(np.histogram2d(y[90:], answers, bins=7, range=((-0.5, 6.5),) * 2)[0].tolist(), confusion.tolist())
        self.assertIn("most taken for", self.succeed("evaluate", "run", "--classes"))
        self.refuse("--class-weights are 2 weights, but mlp-16-16 returns 7 logits", "train", "--data", "arrays:arrays",
                    *flags, "--class-weights", "1,2")  # fmt: skip
        self.refuse("--label-smoothing is of --task classification, but the task is regression", "train", "--data",
                    "arrays:arrays", "--task", "regression", "--label-smoothing", 0.1)  # fmt: skip

    def predict(self, x):
        np.save(self.folder / "new.npy", x)
        return self.succeed("predict", "run", "new.npy")

    def test_classes_need_whole_numbers(self):
        self.save("train", np.zeros((4, 2)), np.zeros(4))
        self.save("test", np.zeros((4, 2)), np.zeros(4))
        code, _, err = self.run_valley("train", "--data", "arrays:arrays", "--model", "mlp")
        self.assertEqual(code, 2)
        self.assertIn("--task regression", err)


class Pictures(OwnData):
    def setUp(self):
        super().setUp()
        for kind in ("cat", "dog"):
            for i in range(10):
                self.picture(f"photos/{kind}/{i}.jpg", quality=90)

    def test_pixels_are_those_of_pil(self):
        self.picture("photos/dog/11.png")
        self.look("images:photos", "--image-size", 16)
        # The store holds them as they are trained on, in the order of their names.
        stored = {}
        for about in (self.folder / "store").glob("*/about.json"):
            pixels = np.frombuffer((about.parent / "pixels").read_bytes(), np.uint8)
            for example in pixels.reshape(-1, 3, 16, 16).astype(int):
                stored[example.tobytes()] = example
        self.assertEqual(len(stored), 21)
        for path in (self.folder / "photos").glob("*/*"):
            picture = Image.open(path).convert("RGB")
            wide = round(picture.width * 16 / picture.height)
            resized = picture.resize((wide, 16), Image.BILINEAR)
            left = (wide - 16) // 2
            expected = np.asarray(resized.crop((left, 0, left + 16, 16))).transpose(2, 0, 1).astype(int)
            nearest = min(np.abs(example - expected).mean() for example in stored.values())
            self.assertLess(nearest, 1, path)

    def test_decoded_pixels_are_those_of_pil(self):
        self.look("images:photos")
        expected = {np.asarray(Image.open(p)).transpose(2, 0, 1).tobytes(): p for p in self.folder.glob("photos/*/*")}
        decoded = np.concatenate([np.frombuffer((about.parent / "pixels").read_bytes(), np.uint8).reshape(-1, 3, 30, 40)
                                  for about in (self.folder / "store").glob("*/about.json")])  # fmt: skip
        self.assertEqual(len(decoded), len(expected))
        for pixels in expected:
            difference = np.abs(decoded.astype(int) - np.frombuffer(pixels, np.uint8).reshape(3, 30, 40))
            self.assertLess(difference.mean((1, 2, 3)).min(), 1)

    def test_from_a_folder_to_answers(self):
        (self.folder / "photos/cat/cut.jpg").write_bytes(self.picture("whole.jpg").read_bytes()[:400])
        summary = self.train_on("images:photos", "--image-size", 28, "--model", "lenet")
        self.assertIn("test_accuracy", summary)
        code, _, err = self.run_valley("data", "images:photos", "--image-size", 28, "--sheet", "sheet.png")
        self.assertEqual(code, 0, err)
        self.assertIn("1 file was left out, not readable as pictures: cat/cut.jpg", err)
        self.assertIn("a fifth of every class is held out as the test set", err)
        with Image.open(self.folder / "sheet.png") as sheet:
            self.assertEqual(sheet.size, (10 * 29, 2 * 29))
        lines = self.succeed("predict", "run", "whole.jpg", "photos/dog/1.jpg", "--json").splitlines()
        answers = [json.loads(line) for line in lines]
        self.assertEqual([a["file"] for a in answers], ["whole.jpg", "photos/dog/1.jpg"])
        for answer in answers:
            self.assertIn(answer["class"], ("cat", "dog"))
            self.assertGreaterEqual(answer["probability"], 0.5)
        self.refuse_in_one_line("photos/cat/cut.jpg", "data", "images:photos", "--image-size", 28, "--strict")

    def test_resumed_equals_uninterrupted(self):
        flags = ("--image-size", 28, "--model", "lenet", "--steps", 6, "--checkpoint-every", 3)
        self.train_on("images:photos", *flags)
        whole = self.model("run")
        self.break_off("run", 3)
        self.succeed("train", "--resume", "run", "--quiet")
        self.assertEqual(self.model("run"), whole)

    def refuse_in_one_line(self, part, *arguments):
        code, _, err = self.run_valley(*arguments)
        self.assertEqual(code, 2)
        self.assertIn(part, err)
        self.assertEqual(err.count("\n"), 1, err)


class Tables(OwnData):
    def test_a_table_of_everything(self):
        rows = [["size", "colour, main", "price"]]
        for i in range(200):
            size, red = self.random.normal(), bool(self.random.integers(2))
            rows.append(["" if i == 7 else f"{size:.6f}", 'a "warm" red' if red else "blue", f"{100 + 10 * size + 5 * red:.4f}"])
        with open(self.folder / "houses.csv", "w", newline="") as file:
            csv.writer(file).writerows(rows)
        summary = self.train_on("table:houses.csv", "--task", "regression", "--target", "price", "--model", "mlp-16-16",
                                "--lr", 0.01, "--algorithm", "local-sgd", "--steps", 400)  # fmt: skip
        self.assertGreater(summary["test_r2"], 0.9)
        found = self.look("table:houses.csv", "--task", "regression", "--target", "price")
        self.assertEqual((found["training_examples"], found["test_examples"]), (160, 40))
        self.assertEqual(found["example"], [3, 1, 1])
        code, _, err = self.run_valley("train", "--data", "table:houses.csv", "--target", "prize")
        self.assertEqual(code, 2)
        self.assertIn("did you mean 'price'?", err)

    def test_classes_by_name(self):
        with open(self.folder / "kinds.csv", "w", newline="") as file:
            csv.writer(file).writerows([["a", "b", "kind"]] + [[i, i * i, "even" if i % 2 == 0 else "odd"] for i in range(50)])
        found = self.look("table:kinds.csv")
        self.assertEqual([c["name"] for c in found["classes"]], ["even", "odd"])
        self.assertEqual(sum(c["training"] + c["test"] for c in found["classes"]), 50)


class Texts(OwnData):
    def setUp(self):
        super().setUp()
        words = [w.encode() for w in "the cat sat on a mat and saw two red dogs run".split()]
        self.text = b" ".join(words[i] for i in self.random.integers(0, len(words), 4000))
        (self.folder / "book.txt").write_bytes(self.text)

    def test_from_a_text_to_answers(self):
        flags = ("--context", 32, "--model", "gpt-1-32", "--optimizer", "adamw", "--lr", 0.03, "--warmup-share", 0.1,
                 "--algorithm", "local-sgd", "--evaluate-every", 0)  # fmt: skip
        summary = self.train_on("text:book.txt", *flags, "--steps", 250)
        self.assertEqual(summary["task"]["headline"], "bits_per_byte")
        self.assertLess(summary["test_bits_per_byte"], 0.85 * summary["chance_bits_per_byte"])
        self.assertAlmostEqual(math.exp(summary["test_loss"]), summary["test_perplexity"], 5)
        self.assertAlmostEqual(summary["test_loss"] / math.log(2), summary["test_bits_per_byte"], 5)
        counts = np.bincount(np.frombuffer(self.text, np.uint8)) / len(self.text)
        shares = counts[counts > 0]
        self.assertAlmostEqual(summary["chance_bits_per_byte"], -(shares * np.log2(shares)).sum(), 1)
        found = json.loads(self.succeed("evaluate", "run", "--json"))["runs"][0]
        self.assertAlmostEqual(found["test"]["perplexity"], summary["test_perplexity"], 3)
        (self.folder / "asked.txt").write_bytes(b"the cat sa")
        answer = json.loads(self.succeed("predict", "run", "asked.txt", "--json"))
        self.assertIn(answer["class"], [*"abcdeghnorstuw", "space"])
        self.assertGreater(answer["probability"], 0.2)

    def test_looked_at(self):
        (self.folder / "book.txt.gz").write_bytes(gzip.compress(self.text))
        found, packed = self.look("text:book.txt", "--context", 50), self.look("text:book.txt.gz", "--context", 50)
        sequences = (len(self.text) - 1) // 50
        self.assertEqual(found["training_examples"] + found["test_examples"], sequences)
        self.assertEqual((found["example"], found["vocabulary"]), ([50], 256))
        self.assertEqual(found["entropy_bits"], packed["entropy_bits"])
        self.assertIn(self.text[:50].decode(), self.succeed("data", "text:book.txt", "--context", 50))

    def test_resumed_equals_uninterrupted(self):
        for model in ("gpt-1-16", "lstm"):
            flags = ("--context", 16, "--model", model, "--steps", 6, "--checkpoint-every", 3)
            self.train_on("text:book.txt", *flags)
            whole = self.model("run")
            self.break_off("run", 3)
            self.succeed("train", "--resume", "run", "--quiet")
            self.assertEqual(self.model("run"), whole)
            shutil.rmtree(self.folder / "run")

    def test_refused(self):
        size = len(self.text)
        self.refuse(f"book.txt is a text of {size} bytes, but --context 20000 needs 40001 at least: a sequence to "
                    "train on, one held out, and the byte behind it",
                    "train", "--data", "text:book.txt", "--model", "gpt-1-16", "--context", 20000)  # fmt: skip
        self.refuse("--model lenet does not read text; lstm and gpt-L-W do, or a TorchScript file",
                    "train", "--data", "text:book.txt")  # fmt: skip
        self.refuse("--model gpt-1-16 reads text alone: --data text:PATH", "train", "--data", "blobs", "--model", "gpt-1-16")
        self.refuse("--sheet shows pictures, and text:book.txt is text", "data", "text:book.txt", "--sheet", "a.png")

    def test_looked_at_by_instruments(self):
        self.train_on("text:book.txt", "--context", 16, "--model", "gpt-1-16", "--probe", 4, "--probe-samples", 20)
        few = ("run", "--samples", 40, "--json", "--quiet")
        (run,) = json.loads(self.succeed("sharpness", *few, "--draws", 2))["runs"]
        for name, measure in run["measures"].items():
            if "which this task has not" not in measure.get("note", ""):
                self.assertIsInstance(measure["value"], float, (name, measure))
        (run,) = json.loads(self.succeed("landscape", *few, "--points", 3, "--plane", "random"))["runs"]
        self.assertTrue(all(math.isfinite(point["loss"]) for point in run["points"]))


if __name__ == "__main__":
    unittest.main()
