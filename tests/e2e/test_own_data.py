"""Data of one's own: looked at, trained on, scored and asked."""

import csv
import gzip
import io
import json
import math
import shutil
import unittest
import wave

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
        flags = ("--model", "mlp-16-16", "--algorithm", "local-sgd", "--lr", 0.05, "--steps", 62)
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
        self.assertEqual(read_json(self.folder / "run" / "classes.json")["confusion"], confusion.tolist())
        self.succeed("report", "run")
        page = (self.folder / "run" / "report.html").read_text()
        report = json.loads(page.split('id="report-data">')[1].split("</script>")[0])
        self.assertEqual(report["runs"][0]["classes"]["confusion"], confusion.tolist())
        self.one_worker_or_a_file(test)
        self.refuse("--class-weights are 2 weights, but mlp-16-16 returns 7 logits", "train", "--data", "arrays:arrays",
                    *flags, "--class-weights", "1,2")  # fmt: skip
        self.refuse("--label-smoothing is of --task classification, but the task is regression", "train", "--data",
                    "arrays:arrays", "--task", "regression", "--label-smoothing", 0.1)  # fmt: skip

    def one_worker_or_a_file(self, average):
        """In the place of the average; the mean of the workers' weights is the average again."""
        scores = [self.score("--worker", m)["test"] for m in range(2)]
        self.assertNotEqual(scores[0]["loss"], scores[1]["loss"])
        same = self.score("--weights", "run/model.safetensors")["test"]
        self.assertEqual(same["loss"], average["loss"])
        self.refuse("--worker 2: run has the workers 0 to 1", "evaluate", "run", "--worker", 2)
        self.refuse("--worker must be at least 0, got -1", "evaluate", "run", "--worker", -1)
        self.refuse("give --worker or --weights, not both", "evaluate", "run", "--worker", 0, "--weights", "a")

    def score(self, *flags):
        return json.loads(self.succeed("evaluate", "run", "--json", *flags))["runs"][0]

    def predict(self, x):
        np.save(self.folder / "new.npy", x)
        return self.succeed("predict", "run", "new.npy")

    def test_classes_need_whole_numbers(self):
        self.save("train", np.zeros((4, 2)), np.zeros(4))
        self.save("test", np.zeros((4, 2)), np.zeros(4))
        code, _, err = self.run_valley("train", "--data", "arrays:arrays", "--model", "mlp")
        self.assertEqual(code, 2)
        self.assertIn("--task regression", err)


class OneFile(OwnData):
    def arrays(self, kind="f4"):
        x = self.random.normal(size=(40, 3)).astype(kind)
        return {"x_train": x[:30], "y_train": np.arange(30) % 2, "x_test": x[30:], "y_test": np.arange(10) % 2}

    def same_as_folder(self, name, arrays):
        for key, values in arrays.items():
            (self.folder / "arrays").mkdir(exist_ok=True)
            np.save(self.folder / "arrays" / f"{key}.npy", values)
        found, expected = self.look(name), self.look("arrays:arrays")
        self.assertEqual(found | {"data": ""}, expected | {"data": ""})

    def test_archives_of_numpy(self):
        for kind in ("f4", "f8", "f2"):
            arrays = self.arrays(kind)
            np.savez(self.folder / "plain.npz", **arrays)
            np.savez_compressed(self.folder / "packed.npz", **arrays)
            for name in ("plain", "packed"):
                self.same_as_folder(f"arrays:{name}.npz", arrays)
        content = bytearray((self.folder / "packed.npz").read_bytes())
        content[150] ^= 0xFF
        (self.folder / "bad.npz").write_bytes(content)
        code, _, err = self.run_valley("data", "arrays:bad.npz")
        self.assertEqual((code, err.count("\n")), (2, 1), err)
        self.assertIn("bad.npz: x_train is damaged".replace(" is", ".npy is"), err)
        (self.folder / "short.npz").write_bytes(content[:-10])
        self.refuse("short.npz is cut short or damaged: it has no directory at its end", "data", "arrays:short.npz")

    def test_a_file_of_tensors(self):
        arrays = self.arrays()
        header, data = {}, b""
        for key, values in arrays.items():
            dtype = {"float32": "F32", "int64": "I64"}[str(values.dtype)]
            header[key] = {"dtype": dtype, "shape": values.shape, "data_offsets": [len(data), len(data) + values.nbytes]}
            data += values.tobytes()
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        (self.folder / "a.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
        self.same_as_folder("arrays:a.safetensors", arrays)
        self.train_on("arrays:a.safetensors", "--model", "mlp-8-8")
        self.succeed("predict", "run", "arrays/x_test.npy")


def average_precision(said, there):
    """Of one label, by the order of what was said."""
    found = there[np.argsort(-said)]
    return (np.cumsum(found) / (1 + np.arange(len(found))))[found].mean()


class Labels(OwnData):
    def test_from_labels_to_answers(self):
        x = self.random.normal(size=(300, 4))
        y = np.stack([x[:, 0] > 0, x[:, 1] + x[:, 2] > 0, x[:, 3] > 1], 1).astype("u1")
        self.save("train", x[:200], y[:200])
        self.save("test", x[200:], y[200:])
        flags = ("--task", "multi-label", "--model", "mlp-16-16", "--lr", 0.1, "--algorithm", "local-sgd")
        summary = self.train_on("arrays:arrays", *flags, "--steps", 300, "--probe", 100, "--probe-samples", 50)
        self.assertEqual(summary["task"]["headline"], "f1")
        self.assertGreater(summary["test_f1"], 0.85)
        self.assertGreater(summary["test_f1"], summary["chance_f1"])
        np.save(self.folder / "new.npy", x[200:])
        answers = [json.loads(line) for line in self.succeed("predict", "run", "new.npy", "--json").splitlines()]
        told = np.array([[answer["probabilities"][str(k)] > 0.5 for k in range(3)] for answer in answers])
        truth = y[200:].astype(bool)
        self.assertAlmostEqual(2 * (told & truth).sum() / (told.sum() + truth.sum()), summary["test_f1"])
        self.assertAlmostEqual((told == truth).all(1).mean(), summary["test_exact_match"])
        said = np.array([[answer["probabilities"][str(k)] for k in range(3)] for answer in answers])
        precision = [average_precision(said[:, k], truth[:, k]) for k in range(3)]
        self.assertAlmostEqual(np.mean(precision), summary["test_map"], delta=.005)
        rows = list(csv.reader(io.StringIO(self.succeed("predict", "run", "new.npy"))))
        self.assertEqual(rows[0], ["file", "place", "labels"])
        self.assertEqual(rows[1][2], ";".join(str(k) for k in range(3) if told[0, k]))
        (run,) = json.loads(self.succeed("sharpness", "run", "--measures", "gradient-norm", "--samples", 50, "--json", "--quiet"))["runs"]
        self.assertGreater(run["measures"]["gradient-norm"]["value"], 0)
        self.refuse("multi-label needs labels as targets, [examples, labels] of 0 and 1; blobs has classes",
                    "train", "--data", "blobs", "--task", "multi-label", "--model", "mlp")  # fmt: skip

    def test_a_table_with_several_labels(self):
        with open(self.folder / "days.csv", "w", newline="") as file:
            rows = [[i % 7, int(i % 2 == 0), int(i % 3 == 0)] for i in range(60)]
            csv.writer(file).writerows([["a", "sunny", "windy"], *rows])
        self.train_on("table:days.csv", "--task", "multi-label", "--target", "sunny,windy", "--model", "mlp-8-8")
        (self.folder / "asked.csv").write_text("a\n3\n")
        answer = json.loads(self.succeed("predict", "run", "asked.csv", "--json"))
        self.assertEqual(list(answer["probabilities"]), ["sunny", "windy"])


class Sounds(OwnData):
    def tone(self, path, hertz, rate=8000, seconds=0.2, channels=1):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        values = 20000 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
        with wave.open(str(path), "wb") as out:
            out.setnchannels(channels)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.writeframes(np.repeat(values.astype("<i2"), channels).tobytes())
        return path

    def test_from_sounds_to_scores(self):
        for i in range(10):
            self.tone(f"sounds/low/{i}.wav", 200 + 5 * i, rate=(8000, 16000, 44100)[i % 3], channels=1 + i % 2)
            self.tone(f"sounds/high/{i}.wav", 1500 + 50 * i, rate=(8000, 22050)[i % 2])
        cut = self.folder / "sounds/low/cut.wav"
        cut.write_bytes(self.tone("whole.wav", 300).read_bytes()[:1000])
        summary = self.train_on("speech:sounds", "--model", "mlp-16-16", "--algorithm", "local-sgd", "--batch-size", 4,
                                "--lr", 0.05, "--steps", 60)  # fmt: skip
        self.assertEqual(summary["test_accuracy"], 1)
        code, _, err = self.run_valley("data", "speech:sounds")
        self.assertEqual(code, 0, err)
        self.assertIn("1 file was left out, not readable as sounds: low/cut.wav (is cut short", err)
        self.assertIn("sounds of 16000, 22050, 44100 Hz are resampled to 8000", err)
        code, _, err = self.run_valley("data", "speech:sounds", "--strict")
        self.assertEqual((code, err.count("\n")), (2, 1), err)


class PackageIndex(OwnData):
    def test_sections_dealt_out_by_maintainer(self):
        with gzip.open(self.folder / "Packages.gz", "wt") as file:
            for i in range(200):
                section, what = (("games", "a fast game"), ("net", "client for networks"))[i % 2]
                file.write(f"Package: p{i}\nMaintainer: m{i % 4}\nDescription: {what}\nSection: {section}\n\n")
        found = self.look("debian-section:Packages.gz", "--partition", "origin", "--workers", 4)
        self.assertEqual([c["name"] for c in found["classes"]], ["games", "net"])
        self.assertTrue(any("200 packages of 4 maintainers, CRC-32C " in note for note in found["notes"]), found["notes"])
        summary = self.train_on("debian-section:Packages.gz", "--partition", "origin", "--workers", 4, "--model", "mlp-8-8", "--steps", 40,
                                "--algorithm", "local-sgd", "--lr", 0.1)  # fmt: skip
        self.assertEqual(summary["test_accuracy"], 1)
        dealt = read_json(self.folder / "run" / "partition.json")
        self.assertEqual(np.array(dealt["class_counts"]).min(), 0)  # a maintainer has one section here
        self.refuse("--partition origin: these data do not say who their examples are of",
                    "train", "--data", "blobs", "--model", "mlp", "--partition", "origin")  # fmt: skip


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
        with open(self.folder / "asked.csv", "w", newline="") as file:  # other columns, another order
            csv.writer(file).writerows([["colour, main", "note", "size"], ["blue", "x", 1], ['a "warm" red', "y", -1], ["blue", "z", ""]])
        rows = list(csv.reader(io.StringIO(self.succeed("predict", "run", "asked.csv"))))
        for row, expected in zip(rows[1:], (110, 95, 100)):
            self.assertAlmostEqual(float(row[2]), expected, delta=4)
        # Other houses, none of them red, and dearer: still read by what the model has learned.
        with open(self.folder / "others.csv", "w", newline="") as file:
            sizes = [self.random.normal(1) for _ in range(100)]
            csv.writer(file).writerows([["price", "colour, main", "size"],
                                        *([f"{100 + 10 * size:.4f}", "blue", f"{size:.6f}"] for size in sizes)])  # fmt: skip
        (other,) = json.loads(self.succeed("evaluate", "run", "--data", "table:others.csv", "--json"))["runs"]
        self.assertGreater(other["test"]["r2"], 0.8)
        self.assertEqual((other["train"]["examples"], other["test"]["examples"]), (80, 20))
        (self.folder / "wrong.csv").write_text("size\n1\n")
        self.refuse(f"wrong.csv has no column 'colour, main', of which the model learned in {self.folder}/houses.csv",
                    "predict", "run", "wrong.csv")  # fmt: skip
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

    def test_a_prompt_goes_on(self):
        self.train_on("text:book.txt", "--context", 16, "--model", "gpt-1-32", "--optimizer", "adamw", "--lr", 0.03,
                      "--algorithm", "local-sgd", "--evaluate-every", 0, "--steps", 150)  # fmt: skip
        asked = ("predict", "run", "--prompt", "the cat sat on", "--length", 40)
        greedy = self.succeed(*asked)
        self.assertEqual(len(greedy), 41)
        self.assertEqual(greedy, self.succeed(*asked, "--seed", 7))
        drawn = [self.succeed(*asked, "--temperature", 1, "--seed", seed) for seed in (1, 1, 2)]
        self.assertEqual(drawn[0], drawn[1])
        self.assertNotEqual(drawn[0], drawn[2])
        # One step of it is what predict says comes next.
        (self.folder / "asked.txt").write_text("the cat sat on")
        answer = json.loads(self.succeed("predict", "run", "asked.txt", "--json"))["class"]
        self.assertEqual({"space": " "}.get(answer, answer), greedy[0])
        told = [json.loads(line) for line in self.succeed(*asked, "asked.txt", "--json").splitlines()]
        self.assertEqual([t["file"] for t in told], ["", "asked.txt"])
        self.assertEqual({t["text"] + "\n" for t in told}, {greedy})
        for message, flags in (("--prompt needs --length: how far to go on", ("--prompt", "a")),
                               ("--temperature needs --length", ("asked.txt", "--temperature", 1)),
                               ("--temperature must be at least 0, got -1", ("asked.txt", "--length", 1, "--temperature", -1)),
                               ("give files to ask about, or --prompt a text", ())):  # fmt: skip
            self.refuse(message, "predict", "run", *flags)

    def test_a_vocabulary(self):
        (self.folder / "words.txt").write_text(" cat\n sat\nthe\n and\n")
        flags = ("--context", 16, "--vocabulary", "words.txt")
        found, plain = self.look("text:book.txt", *flags), self.look("text:book.txt", "--context", 16)
        self.assertEqual(found["vocabulary"], 260)
        self.assertLess(found["training_examples"], plain["training_examples"])
        self.assertIn(self.text[:20].decode(), self.succeed("data", "text:book.txt", *flags))
        settings = (*flags, "--model", "gpt-1-16", "--steps", 6, "--checkpoint-every", 3)
        summary = self.train_on("text:book.txt", *settings)
        self.assertAlmostEqual(math.exp(summary["test_loss"]), summary["test_perplexity"], 4)
        # Token by token: the longest first.
        tokens, rest = [], self.text.decode()
        while rest:
            longest = max((w for w in (" cat", " sat", "the", " and") if rest.startswith(w)), key=len, default=rest[0])
            tokens.append(longest)
            rest = rest[len(longest):]
        examples = (len(tokens) - 1) // 16
        held_out = max(1, examples // 10)
        targets = tokens[(examples - held_out) * 16 + 1 : examples * 16 + 1]
        bits = summary["test_loss"] * len(targets) / math.log(2) / sum(map(len, targets))
        self.assertAlmostEqual(summary["test_bits_per_byte"], bits, 5)
        found = json.loads(self.succeed("evaluate", "run", "--json"))["runs"][0]
        self.assertAlmostEqual(found["test"]["bits_per_byte"], bits, 5)
        self.assertEqual(self.succeed("predict", "run", "--prompt", "the cat", "--length", 5, "--seed", 3)[-1], "\n")
        whole = self.model("run")
        self.break_off("run", 3)
        self.succeed("train", "--resume", "run", "--quiet")
        self.assertEqual(self.model("run"), whole)
        self.refuse("--vocabulary words.txt is of text, and --data blobs is none: text:PATH",
                    "train", "--data", "blobs", "--model", "mlp", "--vocabulary", "words.txt")  # fmt: skip
        (self.folder / "words.txt").write_text("the\nthe\n")
        self.refuse("words.txt: line 2: the token 'the' comes twice", "train", "--data", "text:book.txt", *settings, "--out", "again")

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
