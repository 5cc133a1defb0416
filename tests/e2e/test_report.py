"""valley report: one file that a browser opens without network, for eyes, keyboards and screen
readers, in light and dark, on a desk and on a phone; and what it refuses."""

import json
import math
import re
import shutil
import unittest

from browser import Browser
from program import TINY, ProgramTest

LANDSCAPE = {
    "plane": "workers",
    "axes": ["towards worker 0", "towards worker 1"],
    "x": [-2, -1, 0, 1, 2],
    "y": [-1, 0, 1],
    "loss": [[1 + x * x + 3 * y * y for x in range(-2, 3)] for y in range(-1, 2)],
    "points": [
        {"name": "average", "x": 0, "y": 0, "loss": 1},
        {"name": "worker 0", "x": 1, "y": 0, "loss": 2},
        {"name": "worker 1", "x": -1, "y": 0, "loss": 2},
    ],
    "split": "train",
    "samples": 200,
}
SHARPNESS = {
    "parameters": 1000,
    "measures": {
        "trace": {"value": 12.5, "standard_error": 0.5},
        "spectrum": {
            "value": 0.01,
            "density": {
                "at": [i / 10 for i in range(-20, 80)],
                "eigenvalues_share": [math.exp(-i * i / 100) for i in range(-20, 80)],
                "width": 0.1,
            },
        },
    },
}


def dynamics(workers):
    """What `valley dynamics` leaves, with round numbers."""
    estimate = {"value": 0.5, "standard_error": 0.125}
    curvature = {"of_loss": 2, "of_smoothed_loss": estimate, "bound": 40}
    return {
        "x_label": "step",
        "series": [{"name": "noise", "x": [0, 10, 20], "y": [1.5, 1.25, 0.5]}],
        "loss": 0.25,
        "gradient": {"norm": 1.5},
        "spread": {
            "distances": [1 + w / 10 for w in range(workers)],
            "losses": [0.25] * workers,
            "consensus_distance": 1.25,
            "sigma_w_squared": 1.5625,
            "angles": [[90.04 + abs(a - b) for a in range(workers)] for b in range(workers)],
        },
        "effective_rate": {
            "alpha_e_over_alpha": estimate,
            "alpha_e_over_alpha_of_spread": estimate,
            "delta_over_alpha_squared": {"value": 2, "standard_error": 0.5},
            "delta_of_zeta_s": {"value": 1, "standard_error": 0.5},
            "delta_of_zeta_2": {"value": 1.25, "standard_error": 0.5},
            "delta_of_both": {"value": -0.25, "standard_error": 0.5},
        },
        "smoothed": {
            "sigma": 0.01,
            "smoothed_loss": estimate,
            "curvature": {"along_gradient": curvature, "towards_workers": curvature},
        },
        "notes": ["something was left out"],
    }


def probe(step):
    """A record of `--probe`."""
    rate = {"alpha_e_over_alpha": {"value": 1 / (1 + step), "standard_error": 0.01}}
    return {
        "step": step,
        "epoch": step / 10,
        "worker": "mean",
        "probe": {"consensus_distance": step, "effective_rate": rate, "some_figure": 2 * step},
    }


CURVES = [
    "Training loss",
    "Test accuracy",
    "Test loss",
    "Valley width",
    "Learning rate",
    "Bytes sent",
]
PROBES = ["Consensus distance", "Effective learning rate, probed", "some figure"]
TIMELINE = ["Seconds of each worker", "Waiting over the run", "A stretch in full"]
NOISE = [
    "Effective learning rate",
    "Noise strength",
    "Spread of the workers",
    "Loss and smoothed loss",
    "Curvature",
]
ALL = [
    "Accuracy against traffic",
    "Seconds by phase",
    *CURVES,
    *PROBES,
    *TIMELINE,
    "The loss around the workers",
    "The same from above",
    "Spectrum of the Hessian",
    *NOISE,
    "Angles, dppf",
    "noise",
]


def trace(steps):
    """Worker 0 computes for 1 ms a step; worker 1 for 2, and is waited for in every fourth."""
    events = []
    for step in range(steps):
        start = 2 * step - 2 * (step % 4)
        for worker, begin in [(0, start + step % 4), (1, start + 2 * (step % 4))]:
            events.append(("compute", worker, begin, 1 + worker, step))
        if step % 4 == 3:
            events.append(("wait", 0, start + 4, 4, step))
    return {
        "traceEvents": [
            {
                "ph": "X",
                "name": name,
                "pid": worker,
                "tid": 0,
                "ts": 1000 * begin,
                "dur": 1000 * length,
                "args": {"step": step},
            }
            for name, worker, begin, length, step in events
        ]
    }


# One of every four pixels is of another colour than the page: 3-D charts have no elements.
DRAWN = """
(async () => {
  const empty = [], plots = document.querySelectorAll("SELECTOR");
  if (!plots.length) empty.push("there is none");
  for (const plot of plots) {
    const name = plot.getAttribute("aria-label");
    const traces = (plot._fullData || []).filter((trace) => trace.visible === true);
    if (!plot.querySelector("svg.main-svg") || !traces.length) empty.push(name + ": no traces");
    for (const trace of traces) {
      if (trace.type === "surface" || trace.type === "scatter3d") continue;
      const kinds = { scatter: ".trace.scatter", bar: ".trace.bars", heatmap: ".heatmaplayer image",
                      contour: ".contour" };
      if (!plot.querySelector(kinds[trace.type])) empty.push(name + ": no " + trace.type);
    }
    if (traces.some((trace) => trace.type === "surface")) {
      const picture = new Image();
      picture.src = await Plotly.toImage(plot, { format: "png", width: 200, height: 200 });
      await picture.decode();
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 200;
      const context = canvas.getContext("2d");
      context.drawImage(picture, 0, 0);
      const pixels = context.getImageData(0, 0, 200, 200).data;
      let painted = 0;
      for (let i = 3; i < pixels.length; i += 4) painted += pixels[i] > 128;
      if (painted < 4000) empty.push(name + ": nothing painted");
    }
  }
  return empty;
})()
"""


def drawn(selector=".js-plotly-plot"):
    """A script: which of the charts are not drawn."""
    return DRAWN.replace("SELECTOR", selector)


# WCAG's contrast of texts with what is behind them; what stands on a gradient is left out.
CONTRAST = """
(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => {
    const v = c[i] / 255;
    return sum + part * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const c = parse(getComputedStyle(at).backgroundColor);
      if (c.length < 4 || c[3] === 1) return c;
    }
  };
  const poor = [];
  for (const node of document.querySelectorAll("main *, nav *, footer")) {
    if (node.closest(".js-plotly-plot, .sr, svg, option")) continue;
    if (!node.getClientRects().length) continue;
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
    if (getComputedStyle(node).opacity < 1) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${node.tagName} ${node.textContent.slice(0, 30)} ${ratio}`);
  }
  return poor;
})()
"""

# Tables that reach beyond their place.
CUT = """[...document.querySelectorAll('.scroll')].filter((n) => n.scrollWidth > n.clientWidth)"""

FOCUSED = """
(() => {
  const node = document.activeElement;
  return node === document.body ? "" : node.id || node.className || node.getAttribute("aria-label")
    || (node.tagName + " " + node.textContent).slice(0, 60);
})()
"""


class Report(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser())

    def open(self, address, **options):
        page = self.browser.open(address, **options)
        self.addCleanup(page.close)
        return page

    def compare(self, out="cmp"):
        """Two methods with two seeds, timelines that do not depend on the machine, and in one of
        the runs what the instruments leave."""
        self.succeed(
            "compare",
            *TINY,
            "--algorithms",
            "ssgd,dppf",
            "--seeds",
            "0,1",
            "--epochs",
            3,
            "--push",
            0.1,
            "--quiet",
            "--out",
            out,
        )
        for name, content in [
            ("landscape", LANDSCAPE),
            ("landscape-spread", LANDSCAPE | {"plane": "spread"}),
            ("sharpness", SHARPNESS),
            ("dynamics", dynamics(2)),
        ]:
            (self.folder / out / "dppf-seed0" / f"{name}.json").write_text(json.dumps(content))
        with open(self.folder / out / "dppf-seed0" / "metrics.jsonl", "a") as file:
            file.writelines(json.dumps(probe(step)) + "\n" for step in range(0, 20, 5))
        for path in (self.folder / out).glob("*/trace.json"):
            path.write_text(json.dumps(trace(40)))

    def report(self, *arguments):
        """The page's path, and what the program said."""
        text = self.succeed("report", *arguments)
        match = re.fullmatch(r"(\d+) runs?, [\d.]+ MB: written to (.+)\n", text)
        self.assertTrue(match, text)
        return self.folder / match[2], int(match[1])

    def data(self, page):
        text = page.read_text().split('<script type="application/json" id="report-data">')[1]
        return json.loads(text.split("</script>")[0])

    def check_page(self, page, address, charts):
        """It stands, drew all, asked for nothing and complained of nothing."""
        self.assertEqual(page.run("document.documentElement.dataset.ready"), "true")
        self.assertEqual(
            page.run("[...document.querySelectorAll('figure h3')].map(n => n.textContent)"), charts
        )
        self.assertEqual(
            page.run("document.querySelectorAll('figure > .js-plotly-plot').length"), len(charts)
        )
        self.assertEqual(page.run(drawn()), [])
        self.assertEqual(page.run(CONTRAST), [])
        self.assertEqual(page.requests(), [address])
        self.assertEqual(page.complaints(), [])

    def test_page(self):
        self.compare()
        path, runs = self.report("cmp", "--title", "Two <methods>")
        self.assertEqual((path, runs), (self.folder / "cmp/report.html", 4))
        address = path.as_uri()
        desk = self.open(address, width=1200)
        self.check_page(desk, address, ALL)
        self.look_at_structure(desk)
        self.use_keyboard(desk)
        self.look_at_noise(desk)
        self.look_at_planes(desk)
        self.look_at_spectrum(desk)
        self.look_at_tables(desk)
        self.assertEqual(desk.complaints(), [])
        desk.close()

        phone = self.open(address, width=390, height=844, dark=True, phone=True)
        self.check_page(phone, address, ALL)
        self.assertEqual(phone.run("document.documentElement.scrollWidth"), 390)
        wide = """[...document.querySelectorAll('.card, .js-plotly-plot')]
            .filter((node) => node.getBoundingClientRect().right > 390).length"""
        self.assertEqual(phone.run(wide), 0)
        self.switch_colours(phone)

    def look_at_structure(self, page):
        self.assertEqual(page.run("document.title"), "Two <methods> - Valley")
        self.assertEqual(page.run("document.documentElement.lang"), "en")
        headings = page.run("[...document.querySelectorAll('h1, h2')].map(n => n.textContent)")
        self.assertEqual(
            headings,
            [
                "Two <methods>",
                "Comparison",
                "Curves",
                "Probes",
                "Workers over time",
                "Landscape",
                "Sharpness",
                "Noise",
                "Dynamics",
                "Settings and how to repeat",
            ],
        )
        # A heading goes at most one level deeper than the one before.
        levels = page.run(
            "[...document.querySelectorAll('h1,h2,h3,h4')].map(n => Number(n.tagName[1]))"
        )
        self.assertTrue(all(b <= a + 1 for a, b in zip(levels, levels[1:])), levels)
        self.assertEqual(page.run("document.querySelectorAll('th:not([scope])').length"), 0)
        self.assertEqual(
            page.run("[...document.querySelectorAll('table')].filter(t => !t.caption).length"), 0
        )
        axes = """[...document.querySelectorAll('.js-plotly-plot')].map((p) => p._fullLayout.xaxis)
            .filter((axis) => axis && !axis.title.text).length"""
        self.assertEqual(page.run(axes), 0)

        # What a screen reader is told.
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
        told = [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]
        roles = [role for role, _ in told]
        for role in (
            "banner",
            "navigation",
            "main",
            "contentinfo",
            "table",
            "columnheader",
            "rowheader",
        ):
            self.assertIn(role, roles)
        pictures = [name for role, name in told if role in ("image", "img")]
        self.assertEqual([name.split(". ")[0] for name in pictures if name.endswith(".")], ALL)
        for role, name in told:
            if role in ("button", "link", "combobox", "DisclosureTriangle", "region"):
                self.assertTrue(name.strip(), f"a {role} without a name")

    def use_keyboard(self, page):
        page.run("document.body.focus(), scrollTo(0, 0)")
        page.press("Tab")
        self.assertEqual(page.run(FOCUSED), "skip")
        page.press("Enter", "\r")
        self.assertEqual(page.run(FOCUSED), "content")

        # Everything that can be used can be reached, in the order of the page.
        reached = []
        for _ in range(200):
            page.press("Tab")
            if not page.run(FOCUSED):
                break
            reached.append(
                page.run("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
            )
        usable = page.run(
            """[...document.querySelectorAll('*')].map((n, i) => [n, i]).filter(([n]) =>
            document.getElementById('content').contains(n)
            && n.checkVisibility({ contentVisibilityAuto: true })
            && n.matches('summary, button, select, [tabindex="0"]')).map(([, i]) => i)"""
        )
        self.assertEqual(reached, usable)

        # A method goes and comes back, numbers unfold, the landscape turns.
        shown = """document.querySelector('#curves .js-plotly-plot')._fullData
            .filter((trace) => trace.visible === true).length"""
        button = "document.querySelector('.legend button')"
        before = page.run(shown)
        page.run(f"{button}.focus()")
        page.press(" ", " ")
        self.assertEqual(page.run(f"{button}.getAttribute('aria-pressed')"), "false")
        self.assertLess(page.run(shown), before)
        page.press("Enter", "\r")
        self.assertEqual(page.run(shown), before)

        page.run("document.querySelector('#curves details summary').focus()")
        page.press("Enter", "\r")
        rows = "[...document.querySelectorAll('#curves details tbody th')].map(n => n.textContent)"
        page.wait_until(f"{rows}.join() === 'ssgd,dppf'")

        # What hides a method in one section hides it in the others.
        probes = "document.querySelector('#probes .legend button:nth-of-type(1)')"
        page.run(f"{button}.focus()")
        page.press(" ", " ")
        self.assertEqual(page.run(f"{probes}.getAttribute('aria-pressed')"), "false")
        page.run(f"{probes}.focus()")
        page.press(" ", " ")
        self.assertEqual(page.run(f"{button}.getAttribute('aria-pressed')"), "true")

        eye = """JSON.stringify(
            document.querySelector('#landscape .js-plotly-plot')._fullLayout.scene.camera.eye)"""
        before = page.run(eye)
        page.run("document.querySelector('#landscape .js-plotly-plot').focus()")
        page.press("ArrowLeft")
        page.wait_until(f"{eye} !== {json.dumps(before)}")

        # Another run's panels take the place of the first.
        page.run("document.getElementById('timeline-run').focus()")
        page.run(
            """(n => { n.selectedIndex = 3; n.dispatchEvent(new Event('change')); })(
                document.activeElement)"""
        )
        self.assertEqual(page.run(drawn("#timeline .js-plotly-plot")), [])
        self.assertIn(
            "Worker 1 is a straggler: it computed for 80.0 ms, the median worker for 60.0 ms, and "
            "the others waited 40.0 ms each",
            page.run("document.querySelector('.finding').textContent"),
        )

    def look_at_noise(self, page):
        """The figures at a glance, what was not measured, and with which command to do so."""
        text = page.run("document.querySelector('#noise').textContent")
        row = page.run("document.querySelector('#noise tbody tr').innerText").split()
        self.assertEqual(
            row,
            "dppf 0.5 ± 0.13 2 ± 0.5 62.5 1.5 1.25 1.56 0.25 ± 0.13".split(),
        )
        self.assertIn("dppf: something was left out.", text)
        self.assertIn(
            "Not measured: ssgd-seed0, ssgd-seed1, dppf-seed1. valley dynamics RUN does it.", text
        )
        page.run("[...document.querySelectorAll('#noise figure details')].forEach(n => n.open = true)")
        page.wait_until("document.querySelectorAll('#noise figure details table').length === 6")
        numbers = """[...document.querySelectorAll('#noise figure details')].map((n) =>
            [...n.querySelectorAll('tbody tr')].map((r) => r.innerText.split(/\\t/).join('; ')))"""
        self.assertEqual(
            page.run(numbers),
            [
                ["dppf-seed0; 0.5 ± 0.13; 0.5 ± 0.13"],
                ["dppf-seed0; 2 ± 0.5; 1 ± 0.5; 1.25 ± 0.5; -0.25 ± 0.5; 1.5"],
                ["dppf-seed0; 1.25; 1.563; 1; 1.1"],
                ["dppf-seed0; 0.25; 0.5 ± 0.13; 0.01"],
                ["dppf-seed0; 2; 0.5 ± 0.13; 40; 2; 0.5 ± 0.13; 40"],
                ["worker 0; –; 91.0", "worker 1; 91.0; –"],
            ],
        )

    def look_at_planes(self, page):
        """Every plane of a run is there to choose."""
        options = "[...document.querySelectorAll('#landscape-run option')].map(n => n.textContent)"
        self.assertEqual(page.run(options), [f"dppf-seed0, plane {p}" for p in ("workers", "spread")])
        page.run(
            """(n => { n.selectedIndex = 1; n.dispatchEvent(new Event('change')); })(
                document.getElementById('landscape-run'))"""
        )
        self.assertIn(
            'on the plane "spread"', page.run("document.querySelector('#landscape').textContent")
        )

    def look_at_spectrum(self, page):
        """Its axis ends at a tenth of one eigenvalue's bump, far above what the file goes down to."""
        self.assertLess(min(SHARPNESS["measures"]["spectrum"]["density"]["eigenvalues_share"]), 1e-25)
        low, high = page.run(
            "document.querySelector('#sharpness .js-plotly-plot')._fullLayout.yaxis.range"
        )
        self.assertAlmostEqual(low, math.log10(0.1 / (math.sqrt(2 * math.pi) * 0.1 * 1000)), 3)
        self.assertTrue(0 < high < 1)

    def look_at_tables(self, page):
        """At 1200 pixels no column is cut, in a table that unfolds neither."""
        page.run("[...document.querySelectorAll('details')].forEach(n => n.open = true)")
        self.assertEqual(page.run("innerWidth"), 1200)
        page.wait_until(f"{CUT}.length === 0")

    def switch_colours(self, page):
        """Charts and page follow what the system wishes, and the button."""
        paper = "getComputedStyle(document.body).backgroundColor"
        ink = "document.querySelector('.js-plotly-plot')._fullLayout.font.color"
        dark = page.run(paper), page.run(ink)
        self.assertEqual(page.run("document.documentElement.dataset.theme"), "dark")
        page.dark(False)
        page.wait_until("document.documentElement.dataset.theme === 'light'")
        light = page.run(paper), page.run(ink)
        self.assertNotEqual(dark[0], light[0])
        self.assertNotEqual(dark[1], light[1])
        # Without the landscape, whose painting takes seconds here.
        self.assertEqual(page.run(drawn(".js-plotly-plot:not(#landscape *)")), [])
        page.run("document.getElementById('theme').click()")
        self.assertEqual((page.run(paper), page.run(ink)), dark)

    def test_fifty_runs(self):
        """It stays small and usable."""
        self.trained("one", "--epochs", 2)
        # Some of them are long: 50,000 rounds, 20,000 spans.
        metrics = [
            {
                "step": i,
                "epoch": i / 100,
                "worker": "mean",
                "distances": [1.5, 2.5],
                "lr": 0.1,
                "valley_width": 2.0,
                "predicted_width": 5.0,
                "period": 4,
            }
            for i in range(50_000)
        ]
        long = "".join(json.dumps(record) + "\n" for record in metrics)
        text = (self.folder / "one/config.toml").read_text()
        for i in range(50):
            run = self.folder / "many" / f"run-{i}"
            shutil.copytree(self.folder / "one", run)
            (run / "config.toml").write_text(text.replace("lr = 0.", f"lr = 0.{i // 5}", 1))
            (run / "dynamics.json").write_text(json.dumps(dynamics(64)))
            if i < 2:
                with open(run / "metrics.jsonl", "a") as file:
                    file.write(long)
                    file.writelines(json.dumps(probe(step)) + "\n" for step in range(50_000))
                (run / "trace.json").write_text(json.dumps(trace(10_000)))
        path, runs = self.report("many")
        self.assertEqual(runs, 50)
        self.assertLess(path.stat().st_size, 10e6)
        data = self.data(path)
        self.assertEqual(len(data["groups"]), 10)
        self.assertEqual(len(data["runs"][0]["curves"]["rounds"]["epoch"]), 400)
        address = path.as_uri()
        page = self.open(address)
        self.check_page(
            page,
            address,
            [
                "Accuracy against traffic",
                "Seconds by phase",
                *CURVES,
                *PROBES,
                *TIMELINE,
                *NOISE,
                *[f"Angles, {run['name']}" for run in data["runs"][::5]],
                "noise",
            ],
        )
        self.assertIn(
            "Shown are 10 of 50 runs, the first of a method.",
            page.run("document.querySelector('#noise').textContent"),
        )
        self.assertIn(
            "thinned to 400 evenly spaced points",
            page.run("document.querySelector('footer').textContent"),
        )
        self.assertEqual(page.run("document.querySelectorAll('#timeline-run option').length"), 50)

    def test_one_run_and_unfinished_ones(self):
        self.trained("one", "--epochs", 2)
        (self.folder / "one/trace.json").write_text(json.dumps(trace(40)))
        path, _ = self.report("one")
        self.assertEqual(path, self.folder / "one/report.html")
        data = self.data(path)
        self.assertRegex(
            data["headline"],
            r"^dppf trained mlp on blobs with 2 workers to \d+\.\d\d % on "
            r"the test set in .+, sending .+ a worker, .+ its valley width .+\.$",
        )
        self.assertEqual(data["cautions"], [])
        first = path.read_bytes()
        self.report("one")
        self.assertEqual(path.read_bytes(), first)

        shutil.copytree(self.folder / "one", self.folder / "killed")
        (self.folder / "killed/summary.json").unlink()
        (self.folder / "killed/trace.json").unlink()
        path, runs = self.report("one", "killed", "--out", "both.html")
        self.assertEqual((path, runs), (self.folder / "both.html", 2))
        data = self.data(path)
        self.assertRegex(
            data["cautions"][0],
            r"^killed broke off at step \d+ \(epoch 2\): killed, or something failed; valley train "
            r"--resume killed goes on\.$",
        )
        self.assertEqual([group["finished"] for group in data["groups"]], [1])
        path, _ = self.report("killed")
        self.assertEqual(
            self.data(path)["headline"], "The run has not ended, so there is no result yet."
        )
        for name, charts in [
            ("both.html", [*CURVES, "Seconds by phase", *TIMELINE]),
            ("killed/report.html", CURVES),
        ]:
            address = (self.folder / name).as_uri()
            page = self.open(address)
            self.check_page(page, address, charts)
            self.assertIn("broken off", page.run("document.querySelector('#results').textContent"))

    def test_diverged(self):
        """Who reads the folder afterwards learns what the run's last words were."""
        code, _, err = self.run_valley(
            "train", *TINY, "--lr", 1e30, "--epochs", 2, "--out", "wild", "--quiet"
        )
        self.assertEqual(code, 5)
        reason = re.search(r"the loss is nan at step \d+ on worker ", err)[0]
        path, _ = self.report("wild")
        data = self.data(path)
        self.assertEqual(data["headline"], "The run diverged, so there is no result.")
        self.assertRegex(data["cautions"][0], rf"^wild diverged: {reason}[01]\.$")
        for command in ("sharpness", "landscape", "dynamics"):
            with self.subTest(command):
                code, out, err = self.run_valley(command, "wild")
                self.assertEqual((code, out), (2, ""))
                self.assertRegex(
                    err, rf"^valley: wild diverged: {reason}[01]; a smaller --lr may help\n$"
                )

    def test_refused(self):
        self.trained("one", "--epochs", 2)
        (self.folder / "empty").mkdir()
        for message, *arguments in [
            ("none is no run folder: there is no such folder", "none"),
            ("empty is no run folder and holds none: config.toml is missing", "empty"),
            ("none is no run folder: there is no such folder", "one", "none", "--out", "a.html"),
            ("--out must name a file, empty is a folder", "one", "--out", "empty"),
            ("give the folders of runs",),
        ]:
            with self.subTest(message):
                self.refuse(message, "report", *arguments)
        self.refuse(
            "cannot write nowhere/a.html: No such file or directory",
            "report",
            "one",
            "--out",
            "nowhere/a.html",
            code=3,
        )

    def test_damaged_files(self):
        """They are left out and named, with what to do."""
        self.trained("all/one", "--epochs", 2)
        names = {
            "all/one/trace.json": "nothing writes it anew",
            "all/one/landscape-spread.json":
                "valley landscape all/one --plane spread writes it anew",
            "all/one/sharpness.json": "valley sharpness all/one writes it anew",
            "all/one/dynamics.json": "valley dynamics all/one writes it anew",
            "all/study.json": "valley study all/recipe.toml --out all writes it anew",
        }  # fmt: skip
        expected = []
        for name, remedy in names.items():
            (self.folder / name).write_text("{")
            expected.append(f"{name} is not JSON: it breaks at byte 2 of 1; {remedy}.")
        code, _, err = self.run_valley("report", "all")
        self.assertEqual(code, 0, err)
        self.assertEqual(sorted(err.splitlines()), sorted(f"left out: {text}" for text in expected))
        cautions = self.data(self.folder / "all/report.html")["cautions"]
        for text in expected:
            self.assertIn(f"Left out: {text}", cautions)

    def test_study(self):
        """Its ranking and its scatter plots, beside the runs."""
        self.trained("st/a", "--epochs", 2)
        (self.folder / "st/a/trace.json").write_text(json.dumps(trace(40)))
        axes = ["lr", "seed", *(f"a-setting-with-a-long-name-{i}" for i in range(9))]
        measures = {"lpf": (0.5, True), "entropy": (-0.25, False), "training-loss": (None, True)}
        study = {
            "axes": [{"key": key, "values": ["0.1", "0.2"]} for key in axes],
            "until_loss": 0.1,
            "ranking": [
                {"measure": name, "larger_is_sharper": larger, "runs": 4, "tau": tau,
                 "standard_error": 0.125, "granulated": tau, "granulated_error": 0.25,
                 "granulated_by_axis": [tau, None, *[0.75] * 9]}
                for name, (tau, larger) in measures.items()
            ],
            "runs": [
                {"name": f"run {i}", "place": [i % 2] + [0] * 10, "status": "finished",
                 "generalization_gap": i / 100, "measures": {
                     "lpf": {"value": 1 + i}, "entropy": {"value": None if i == 3 else 2 - i},
                     "training-loss": {"value": 0.1}}}
                for i in range(4)
            ] + [{"name": "run 4", "status": "short", "train_loss": 0.5}],
        }  # fmt: skip
        (self.folder / "st/study.json").write_text(json.dumps(study))
        path, _ = self.report("st")
        address = path.as_uri()
        page = self.open(address, width=1200)
        self.check_page(page, address, [*measures, *CURVES, "Seconds by phase", *TIMELINE])
        # Columns that have no room stand in tables below one another, each with its rows.
        page.wait_until("document.querySelectorAll('#study > .card table').length > 0")
        page.wait_until(f"{CUT}.length === 0")
        tables = """[...document.querySelectorAll('#study > .card table')].map((table) =>
            [...table.querySelectorAll('tr')].map((row) =>
                [...row.children].map((cell) => cell.textContent)))"""
        parts = page.run(tables)
        whole = [sum((row[i > 0:] for i, row in enumerate(rows)), []) for rows in zip(*parts)]
        self.assertEqual(whole, [
            ["measure", "τ-b", "granulated", "lr", *axes[2:], "runs"],
            ["lpf", "0.50 ± 0.13", "0.50 ± 0.25", "0.50", *["0.75"] * 9, "4"],
            ["entropy (small is sharp)", "-0.25 ± 0.13", "-0.25 ± 0.25", "-0.25", *["0.75"] * 9, "4"],
            ["training-loss", "–", "–", "–", *["0.75"] * 9, "4"],
        ])  # fmt: skip
        self.assertIn("run 4 ended at training loss 0.5, not 0.1.",
                      page.run("document.querySelector('#study').textContent"))  # fmt: skip
        points = """[...document.querySelectorAll('#study .js-plotly-plot')].map((plot) =>
            plot._fullData.map((trace) => [trace.name, [...trace.x], [...trace.y]]))"""
        self.assertEqual(page.run(points)[:2], [
            [["lr 0.1", [1, 3], [0, 2]], ["lr 0.2", [2, 4], [1, 3]]],
            [["lr 0.1", [2, 0], [0, 2]], ["lr 0.2", [1], [1]]],
        ])  # fmt: skip
        self.assertEqual(page.complaints(), [])


if __name__ == "__main__":
    unittest.main()
