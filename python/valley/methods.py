"""A class for every row of `valley list algorithms`."""

import inspect

from valley import _core
from valley.method import Method

# How the field writes them; a row that is not here is written as one word.
_NAMES = {
    "ssgd": "SSGD",
    "ssgd-noise": "SSGDNoise",
    "sparsign": "Sparsign",
    "cd-adam": "CDAdam",
    "local-sgd": "LocalSGD",
    "slowmo": "SlowMo",
    "diloco": "DiLoCo",
    "palsgd": "PALSGD",
    "noloco": "NoLoCo",
    "fedavg": "FedAvg",
    "fedprox": "FedProx",
    "scaffold": "SCAFFOLD",
    "drag": "DRAG",
    "sparta": "SPARTA",
    "wash": "WASH",
    "dppf": "DPPF",
    "easgd": "EASGD",
    "lsgd": "LSGD",
    "mgrawa": "MGRAWA",
    "lgrawa": "LGRAWA",
    "dpsgd": "DPSGD",
    "dsgd-ac": "DSGDAC",
    "sgp": "SGP",
    "gradient-tracking": "GradientTracking",
    "dsgtm-tv": "DSGTMTV",
    "relaysgd": "RelaySGD",
    "d2": "D2",
    "qg-dsgdm": "QGDSGDm",
    "choco": "CHOCO",
    "ad-psgd": "ADPSGD",
}

_TYPES = {"true or false": bool, "a whole number": int, "a number": float, "a text in quotes": str}


def _signature(row):
    """That of Method, with the row's own settings in place of the others."""
    parameters = [p for p in inspect.signature(Method.__init__).parameters.values() if p.name != "self"]
    parameters = [p for p in parameters if p.kind != inspect.Parameter.VAR_KEYWORD]
    settings = [
        inspect.Parameter(
            s["keyword"], inspect.Parameter.KEYWORD_ONLY, default=s["default"], annotation=_TYPES[s["type"]]
        )
        for s in row["settings"]
    ]
    return inspect.Signature([parameters[0], *settings, *parameters[1:]])


def _docstring(row):
    lines = [f"{row['name']}: {row['summary']}.", ""]
    text = _core_docs().get(row["name"])
    if text:
        lines += [text, ""]
    lines += [f"Cost of a round: {row['cost']}.", ""]
    if row["settings"]:
        lines += ["Args:", "    optimizer: takes the local steps; this and what follows the settings, see valley.Method."]
        lines += [f"    {s['keyword']} ({s['default']!r}): {s['help']}" for s in row["settings"]]
    return "\n".join(lines)


def _core_docs():
    try:
        from valley._docs import DOCS
    except ImportError:  # in a tree whose docs were not built
        return {}
    return DOCS


def make_classes():
    """{class name: class}, in the order of the rows."""
    classes = {}
    for row in _core.methods():
        name = _NAMES.get(row["name"], row["name"].replace("-", "").upper())
        classes[name] = type(
            name,
            (Method,),
            {
                "__doc__": _docstring(row),
                "__module__": "valley",
                "__signature__": _signature(row),
                "_row": row,
            },
        )
    return classes


CLASSES = make_classes()
METHODS = tuple(CLASSES)
