#include "valley/models/scripted.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <tuple>
#include <utility>

#include "valley/core/error.h"
#include "valley/models/model_names.h"
#include "valley/models/registry.h"
#include "valley/models/safetensors.h"
#include "valley/models/state_dict.h"
#include "valley/models/test_members.h"
#include "valley/optim/flat_parameters.h"

// Both ways between Python and C++. The Python is the distribution's, whose torch is this LibTorch.
namespace valley::scripted_test {
namespace {

using Names = std::vector<std::string>;

Names names_of(const std::vector<NamedTensor>& tensors) {
  Names names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

// Before every script: the twins in tests/golden.
constexpr const char* kPrelude = R"(
import sys, torch, zipfile
from torch import nn
from typing import List, NamedTuple, Optional
torch.set_num_threads(1)
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import python_models as twins
)";

// One folder for all tests, and two runs of Python, since importing torch takes two seconds: one
// before them, and one after them that looks at what they leave.
constexpr const char* kExports = R"py(
class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)
    def forward(self, x): return self.fc(x), x
class TwoInputs(Pair):
    def forward(self, x, y): return self.fc(x + y)
class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.b.weight = self.a.weight
        self.a.bias.requires_grad_(False)
    def forward(self, x): return self.b(self.a(x))
class Raises(Pair):
    def forward(self, x):
        if x.shape[0] > 0:
            raise ValueError("no such\nthing")
        return self.fc(x)
class NoForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))
    @torch.jit.export
    def double(self, x): return self.w * x
class Empty(nn.Module):
    def forward(self, x): return 2 * x
class Twice(nn.Module):  # one module under two names, one weight in two places, buffers of all kinds
    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm = nn.Linear(4, 4), nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.again, self.b.weight = self.norm, self.a.weight
        self.a.bias.requires_grad_(False)
        self.register_buffer("shift", torch.ones(4))
        self.register_buffer("grid", torch.full((4,), 2.0), persistent=False)
        self.plain = torch.full((1,), 3.0)
    def forward(self, x): return self.again(self.norm(self.b(self.a(x)) * self.grid)) + self.shift * self.plain
class Out(NamedTuple):
    logits: torch.Tensor
    aux: Optional[torch.Tensor]
    features: List[torch.Tensor]
class Heads(Pair):
    def forward(self, x):
        aux: Optional[torch.Tensor] = None
        if self.training: aux = 2 * self.fc(x)
        return Out(self.fc(x), aux, [x])
class Lists(Pair):
    def forward(self, x): return [x, self.fc(x)]
class Dicts(Pair):
    def forward(self, x): return {"aux": x, "logits": self.fc(x)}
class Number(Pair):
    def forward(self, x): return float(self.fc(x).sum())
class Silent(Pair):
    def forward(self, x):
        if x.shape[0] > 0:
            raise ValueError("")
        return self.fc(x)
class Modes(nn.Module):  # the mode matters to three of these
    def __init__(self):
        super().__init__()
        self.norm, self.drop, self.lstm = nn.BatchNorm1d(4), nn.Dropout(0.1), nn.LSTM(4, 4, 2, dropout=0.1)
        self.none, self.free = nn.Dropout(0.0), nn.BatchNorm1d(4, track_running_stats=False)
    def forward(self, x):
        return self.lstm(self.none(self.free(self.drop(self.norm(x)))).unsqueeze(0))[0][0]
class Always(Pair):
    def forward(self, x): return nn.functional.dropout(self.fc(x))
class Share(Pair):  # always on, with a share of its own
    def __init__(self, share=0.2):
        super().__init__()
        self.part = nn.Identity()
        self.part.share = share
    def forward(self, x): return nn.functional.dropout(self.fc(x), self.part.share)
class NoShare(Share):
    def __init__(self): super().__init__(0.0)
class Attends(Pair):  # as nn.MultiheadAttention does
    def forward(self, x):
        share = 0.1
        if not self.training: share = 0.0
        return nn.functional.dropout(self.fc(x), p=share)

torch.manual_seed(0)
net = twins.make("resnet-8", (3, 32, 32))
torch.jit.script(net).save("resnet.pt")
x = torch.randn(4, 3, 32, 32)
expected = {"x": x, "trained": net(x), "evaluated": net.eval()(x)}
class Values(nn.Module):
    def __init__(self):
        super().__init__()
        for name, value in expected.items(): self.register_buffer(name, value.detach())
        self.unused = nn.Parameter(torch.zeros(1))
    def forward(self, x): return x
torch.jit.script(Values()).save("values.pt")

torch.jit.trace(twins.make("lenet"), torch.randn(2, 1, 28, 28)).save("traced.pt")
torch.save(net.state_dict(), "state_dict.pt")
torch.save(net.state_dict(), "legacy.pt", _use_new_zipfile_serialization=False)
for module in (Pair, TwoInputs, Tied, Raises, NoForward, Empty, Twice, Heads, Lists, Dicts, Number, Silent, Modes, Always,
               Share, NoShare, Attends):
    torch.jit.script(module()).save(module.__name__ + ".pt")
example = torch.randn(3, 4)
for name in ("eval", "train"):
    torch.jit.trace(Modes().train(name == "train"), example, check_trace=False).save(f"modes_{name}.pt")
    torch.jit.trace(Twice().train(name == "train"), example).save(f"twice_{name}.pt")

# What other versions write: operators and classes that are not here, a call with one argument more.
def rewritten(name, old, new):
    with zipfile.ZipFile("Pair.pt") as source, zipfile.ZipFile(name, "w") as target:
        for item in source.infolist():
            data = source.read(item)
            if item.filename.endswith(("code/__torch__.py", "/version")): data = data.replace(old, new)
            target.writestr(item.filename, data)
rewritten("newer_operator.pt", b"(fc).forward(x, )", b"torch.wobble(x)")
rewritten("extension.pt", b"(fc).forward(x, )", b"ops.torchvision.nms(x)")
rewritten("class.pt", b"  training : bool", b"  q : __torch__.torch.classes.foo.Bar\n  training : bool")
rewritten("argument.pt", b"(fc).forward(x, )", b"torch.relu(x, 3)")
rewritten("overload.pt", b"(fc).forward(x, )", b"torch.add(x)")
rewritten("keyword.pt", b"(fc).forward(x, )", b"torch.relu(x, wild=3)")
rewritten("version.pt", b"3\n", b"4200\n")
)py";

class Scripted : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::filesystem::temp_directory_path() / ("valley_ts_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    python(kExports);
  }
  static void TearDownTestSuite() {
    if (!checks_.empty()) python(std::exchange(checks_, ""));
    std::filesystem::remove_all(folder_);
  }

  // What Python shall find in the folder when all tests have run.
  static void python_afterwards(const std::string& script) { checks_ += script; }

  // Runs in the folder, with the twins in reach; a failed assert in the script is a failure here.
  static void python(const std::string& script) {
    std::ofstream(folder_ / "script.py") << kPrelude << script;
    const auto golden = std::filesystem::path("tests/golden");
    const std::string command =
        fmt::format("cd {} && /usr/bin/python3 script.py {}", folder_.string(),
                    std::filesystem::absolute(golden).string());
    ASSERT_EQ(std::system(command.c_str()), 0);
  }

  static std::string path(const std::string& name) { return (folder_ / name).string(); }

  static std::string load_error(const std::string& name) {
    try {
      ScriptedModel::load(path(name));
    } catch (const UsageError& error) {
      std::string text = error.what();
      const size_t at = text.find(path(name));
      return at == std::string::npos ? text : text.replace(at, path(name).size(), "PATH");
    }
    return "no error";
  }

  static std::string forward_error(const std::string& name, const at::Tensor& input,
                                   const std::string& output = "") {
    try {
      ScriptedModel::load(path(name), output)->forward(input);
    } catch (const UsageError& error) {
      std::string text = error.what();
      return text.erase(text.find(path("")), path("").size());
    }
    return "no error";
  }

  static at::Tensor value(const std::string& name) {
    for (const auto& [key, tensor] : ScriptedModel::load(path("values.pt"))->buffers()) {
      if (key == name) return tensor;
    }
    ADD_FAILURE() << name;
    return {};
  }

  inline static std::filesystem::path folder_;
  inline static std::string checks_;
};

TEST_F(Scripted, ForwardIsPythons) {
  const auto model = make_model(path("resnet.pt"), {});
  EXPECT_EQ(model->parameters().size(), 3u * 7 + 2 + 2 * 3);
  EXPECT_EQ(model->buffers().size(), 3u * 9);
  model->train(true);
  EXPECT_TRUE(at::allclose(model->forward(value("x")), value("trained"), 1e-6, 1e-6));
  model->train(false);
  EXPECT_TRUE(at::allclose(model->forward(value("x")), value("evaluated"), 1e-6, 1e-6));
}

TEST_F(Scripted, NamesAndOrderAreThoseOfTheRegistrysTwin) {
  const auto script = ScriptedModel::load(path("resnet.pt"));
  const auto native = make_model("resnet-8", {.input = {3, 32, 32}});
  const auto left = state_dict(*script), right = state_dict(*native);
  ASSERT_EQ(left.size(), right.size());
  for (size_t i = 0; i < left.size(); ++i) EXPECT_EQ(left[i].name, right[i].name);

  load_state_dict(*native, left);
  EXPECT_TRUE(at::allclose(native->forward(value("x")), script->forward(value("x")), 1e-5, 1e-5));
}

TEST_F(Scripted, TrainedWeightsReturnToPython) {
  const auto model = ScriptedModel::load(path("resnet.pt"));

  // As the trainer does: every parameter becomes a view of one flat tensor.
  int64_t size = 0, offset = 0;
  for (const auto& [name, tensor] : model->parameters()) size += tensor.numel();
  const at::Tensor flat = at::empty({size});
  for (const auto& [name, tensor] : model->parameters()) {
    const at::Tensor view = flat.narrow(0, offset, tensor.numel()).view(tensor.sizes());
    view.copy_(tensor.detach());
    at::Tensor(tensor).set_data(view);
    offset += tensor.numel();
  }
  const at::Tensor x = value("x");
  for (int step = 0; step < 3; ++step) {
    model->forward(x).square().sum().backward();
    const at::NoGradGuard no_grad;
    for (const auto& [name, tensor] : model->parameters()) {
      tensor.sub_(tensor.grad(), 1e-4);
      tensor.grad().zero_();
    }
  }
  model->train(false);
  const at::Tensor output = model->forward(x).detach();

  model->save(path("trained.pt"));
  EXPECT_LT(std::filesystem::file_size(path("trained.pt")),
            1.1 * std::filesystem::file_size(path("resnet.pt")));
  EXPECT_FALSE(std::filesystem::exists(path("trained.pt.tmp")));
  flat.mul_(2);  // the model still lives in the flat tensor
  EXPECT_FALSE(at::allclose(model->forward(x), output));
  flat.div_(2);
  EXPECT_TRUE(at::equal(model->forward(x), output));

  save_safetensors(path("trained.safetensors"), state_dict(*model));
  save_safetensors(path("output.safetensors"), {{"x", x}, {"output", output}});
  python_afterwards(R"(
values = twins.load_safetensors("output.safetensors")
script = torch.jit.load("trained.pt")
assert all(p.requires_grad for p in script.parameters())
net = twins.make("resnet-8", (3, 32, 32))
net.load_state_dict(twins.load_safetensors("trained.safetensors"), strict=True)
assert net.bn1.num_batches_tracked == 3, net.bn1.num_batches_tracked
for module in (script.eval(), net.eval()):
    difference = (module(values["x"]) - values["output"]).abs().max().item()
    assert difference < 1e-5, difference
)");
}

TEST_F(Scripted, RegistryModelsLoadIntoTheirTwins) {
  std::string script = "values = twins.load_safetensors('outputs.safetensors')\n";
  std::vector<NamedTensor> values;
  for (const TestMember& member : small_members()) {
    const std::array<int64_t, 3>& shape = member.input;
    const auto model = make_model(member.name, member.options(10, 1));
    const at::Tensor x = member.batch(3);
    model->forward(x);  // moves the running statistics away from 0 and 1
    model->train(false);
    const std::string key = member.key();
    values.push_back({key + ".x", x});
    values.push_back({key + ".y", model->forward(x).detach()});
    save_safetensors(path(key + ".safetensors"), state_dict(*model));
    script += fmt::format(R"(
net = twins.make("{0}", ({2}, {3}, {4}), vocabulary={5})
state = twins.load_safetensors("{1}.safetensors")
net.load_state_dict(state, strict=True)
parameters = [name for name, _ in net.named_parameters()]
assert list(state) == parameters + [name for name, _ in net.named_buffers()], list(state)
difference = (net.eval()(values["{1}.x"]) - values["{1}.y"]).abs().max().item()
assert difference < 1e-5, ("{1}", difference)
)",
                          member.name, key, shape[0], shape[1], shape[2], member.vocabulary);
  }
  save_safetensors(path("outputs.safetensors"), values);
  python_afterwards(script);
}

TEST_F(Scripted, TracedModulesTrainToo) {
  const auto model = ScriptedModel::load(path("traced.pt"));
  const at::Tensor logits = model->forward(at::randn({5, 1, 28, 28}));
  EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{5, 10}));
  logits.sum().backward();
  for (const auto& [name, tensor] : model->parameters()) EXPECT_TRUE(tensor.grad().defined());
}

TEST_F(Scripted, TiedWeightsAppearOnceAndFrozenOnesAsBuffers) {
  const auto model = ScriptedModel::load(path("Tied.pt"));
  std::vector<std::string> names;
  for (const auto& [name, tensor] : model->parameters()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"a.weight", "b.bias"}));
  ASSERT_EQ(model->buffers().size(), 1u);
  EXPECT_EQ(model->buffers()[0].name, "a.bias");
}

// Each tensor trains once, under its first name; Python gets it under all of them.
TEST_F(Scripted, TheStateIsWhatPythonsStateDictHolds) {
  std::vector<NamedTensor> expected;
  for (const std::string name : {"Twice", "twice_eval", "twice_train"}) {
    const auto model = ScriptedModel::load(path(name + ".pt"));
    EXPECT_EQ(names_of(model->parameters()),
              (Names{"a.weight", "b.bias", "norm.weight", "norm.bias"}));
    EXPECT_EQ(names_of(model->buffers()), (Names{"a.bias", "shift", "grid", "norm.running_mean",
                                                 "norm.running_var", "norm.num_batches_tracked"}));
    EXPECT_EQ(model->own_buffers(), (Names{"shift", "grid"}));
    const FlatParameters flat(model->parameters(), model->buffers());  // as the trainer does
    at::Tensor(flat.values()).add_(1);
    at::Tensor(flat.buffers()).add_(1);
    save_safetensors(path(name + ".safetensors"), model->state());
    model->train(false);
    const at::Tensor x = at::ones({2, 4});
    expected.push_back({name, model->forward(x).detach()});

    // Our own loader takes it, and a file of one name for each tensor.
    const std::vector<NamedTensor> state = load_safetensors(path(name + ".safetensors")).tensors;
    for (const auto& given : {state, first_names(model->state())}) {
      const auto other = ScriptedModel::load(path(name + ".pt"));
      load_state_dict(*other, given);
      other->train(false);
      EXPECT_TRUE(at::equal(other->forward(x), expected.back().tensor));
    }
    auto torn = state;
    for (auto& item : torn) {
      if (item.name == "b.weight") item.tensor = item.tensor + 1;
    }
    try {
      load_state_dict(*model, torn);
      ADD_FAILURE();
    } catch (const UsageError& error) {
      EXPECT_STREQ(error.what(),
                   "a.weight and b.weight are one tensor in the model and differ in the state");
    }
  }
  save_safetensors(path("expected.safetensors"), expected);
  python_afterwards(R"(
class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm = nn.Linear(4, 4), nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.again, self.b.weight = self.norm, self.a.weight
        self.register_buffer("shift", torch.ones(4))
        self.register_buffer("grid", torch.full((4,), 3.0), persistent=False)
        self.plain = torch.full((1,), 3.0)
    def forward(self, x): return self.again(self.norm(self.b(self.a(x)) * self.grid)) + self.shift * self.plain
for name, y in twins.load_safetensors("expected.safetensors").items():
    trained = twins.load_safetensors(name + ".safetensors")
    torch.jit.load(name + ".pt").load_state_dict(trained, strict=True)
    net = Twice().eval()
    net.load_state_dict({key: trained[key] for key in net.state_dict()}, strict=True)
    assert set(trained) == set(net.state_dict()) | {"grid"}, list(trained)
    difference = (net(torch.ones(2, 4)) - y).abs().max().item()
    assert name == "twice_train" or difference < 1e-5 * max(1, y.abs().max().item()), (name, difference)
)");
}

TEST_F(Scripted, OneOfSeveralOutputsIsChosen) {
  const at::Tensor x = at::randn({3, 4});
  const auto fc = [&](Model& model) {
    const auto p = model.parameters();
    return at::linear(x, p[0].tensor, p[1].tensor);
  };
  using Case = std::tuple<std::string, std::string, Names>;
  for (const auto& [file, output, others] :
       {Case{"Pair", "0", {"1"}}, Case{"Lists", "1", {"0"}}, Case{"Dicts", "logits", {"aux"}},
        Case{"Heads", "logits", {"aux"}}, Case{"Heads", "0", {"aux"}}}) {
    const auto model = ScriptedModel::load(path(file + ".pt"), output);
    model->train(true);
    const Outputs outputs = model->forward_all(x);
    EXPECT_TRUE(at::equal(outputs.logits, fc(*model))) << file;
    EXPECT_TRUE(at::equal(model->forward(x), outputs.logits)) << file;
    EXPECT_EQ(names_of(outputs.others), others) << file;
    if (file != "Heads") continue;
    EXPECT_TRUE(at::equal(outputs.others[0].tensor, 2 * outputs.logits));
    model->train(false);  // its auxiliary head says None
    EXPECT_TRUE(model->forward_all(x).others.empty());
  }

  const std::string many = ".pt: forward returns ";
  EXPECT_EQ(forward_error("Pair.pt", x), "Pair" + many + "2 outputs; choose one: output 0 or 1");
  EXPECT_EQ(forward_error("Lists.pt", x), "Lists" + many + "2 outputs; choose one: output 0 or 1");
  EXPECT_EQ(forward_error("Dicts.pt", x),
            "Dicts" + many + "2 outputs; choose one: output aux or logits");
  EXPECT_EQ(forward_error("Heads.pt", x),
            "Heads" + many + "3 outputs; choose one: output logits or aux or features");
  EXPECT_EQ(forward_error("Number.pt", x),
            "Number.pt: forward must return a tensor, or a tuple or dict of tensors, not float");
  EXPECT_EQ(forward_error("Dicts.pt", x, "0"), "output 0: Dicts.pt returns aux, logits");
  EXPECT_EQ(forward_error("Heads.pt", x, "3"), "output 3: Heads.pt returns logits, aux, features");
  EXPECT_EQ(forward_error("Heads.pt", x, "features"),
            "output features: Heads.pt returns List[Tensor] there, not a tensor");
  EXPECT_EQ(forward_error("Tied.pt", x, "0"), "output 0: Tied.pt returns one tensor");
}

TEST_F(Scripted, ModesThatCannotBeSwitchedAreSaid) {
  const auto notes = [](const std::string& name) {
    const std::vector<std::string> lines = ScriptedModel::load(path(name))->notes();
    return lines.empty() ? "" : lines.front();
  };
  const auto has = [](const std::string& modes) {
    return "has modes that cannot be switched: " + modes +
           "; if it is a trace, torch.jit.script(net) makes one that can";
  };
  EXPECT_EQ(
      notes("modes_eval.pt"),
      has("1 BatchNorm in evaluation mode (their statistics stay as they are), 2 dropout off"));
  EXPECT_EQ(
      notes("modes_train.pt"),
      has("1 BatchNorm in train mode (they normalise by the batch in evaluation too), 2 dropout "
          "on (in evaluation too)"));
  EXPECT_EQ(notes("Always.pt"), has("1 dropout on (in evaluation too)"));
  EXPECT_EQ(notes("Share.pt"), has("1 dropout on (in evaluation too)"));
  for (const char* name :
       {"NoShare.pt", "Attends.pt", "Modes.pt", "resnet.pt", "traced.pt", "Twice.pt"}) {
    EXPECT_EQ(notes(name), "") << name;
  }
}

TEST_F(Scripted, WhatThisLibTorchLacksIsNamed) {
  const std::string here = fmt::format("LibTorch {}", TORCH_VERSION);
  const std::string newer = "; was the file exported by a newer PyTorch?";
  EXPECT_EQ(
      load_error("newer_operator.pt"),
      "cannot load PATH: it calls the operator aten::wobble, which " + here + " lacks" + newer);
  EXPECT_EQ(load_error("extension.pt"),
            "cannot load PATH: it calls the operator torchvision::nms, which " + here +
                " lacks; it belongs to the extension torchvision, which valley does not load");
  EXPECT_EQ(load_error("class.pt"),
            "cannot load PATH: it holds an object of the class foo.Bar, which " + here +
                " lacks; it belongs to an extension, which valley does not load");
  for (const auto& [file, call] : {std::pair{"argument.pt", "aten::relu"},
                                   {"overload.pt", "aten::add.Tensor"},
                                   {"keyword.pt", "aten::relu"}}) {
    EXPECT_EQ(load_error(file), fmt::format("cannot load PATH: it calls {} in a way that {} does "
                                            "not know{}",
                                            call, here, newer));
  }
  const std::string text = load_error("version.pt");
  EXPECT_TRUE(text.starts_with("cannot load PATH: it has version 4200 of the format, " + here +
                               " reads up to 1"))
      << text;
}

TEST_F(Scripted, AModelIsKnownByItsContent) {
  std::filesystem::copy_file(path("traced.pt"), path("traced.torchscript"));
  std::filesystem::copy_file(path("traced.pt"), path("lenet"));
  for (const char* name : {"traced.torchscript", "lenet"}) {
    EXPECT_TRUE(is_model_file(path(name)));
    EXPECT_EQ(make_model(path(name), {})->parameters().size(), 8u);
  }
  EXPECT_TRUE(is_model_file("net.pt"));
  for (const char* name : {"lenet", "resnet-20", "mpl", "/"}) {
    EXPECT_EQ(is_model_file(name), std::string(name) == "/") << name;
  }
}

TEST_F(Scripted, WorkersLoadTheirOwn) {
  std::vector<std::thread> workers;
  std::vector<at::Tensor> outputs(4);
  const at::Tensor x = value("x");
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&, i] {
      const auto model = ScriptedModel::load(path("resnet.pt"));
      outputs[i] = model->forward(x);
      outputs[i].sum().backward();
    });
  }
  for (std::thread& worker : workers) worker.join();
  for (const at::Tensor& output : outputs) EXPECT_TRUE(at::equal(output, outputs[0]));
}

TEST_F(Scripted, EveryCallGivesTheSameBits) {
  const auto model = ScriptedModel::load(path("resnet.pt"));
  const at::Tensor x = value("x"), first = model->forward(x);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(at::equal(model->forward(x), first));
}

TEST_F(Scripted, FilesThatAreNoModulesSaySo) {
  const std::string remedy = "; export one with torch.jit.script(net).save(path)";
  EXPECT_EQ(load_error("missing.pt"), "cannot read PATH: No such file or directory");
  EXPECT_EQ(load_error("."), "cannot read PATH: Is a directory");
  EXPECT_EQ(load_error("state_dict.pt"),
            "PATH is no TorchScript module (written by torch.save?)" + remedy);
  EXPECT_EQ(load_error("legacy.pt"), "PATH is no TorchScript module" + remedy);
  std::ofstream(path("random.pt")) << std::string(5000, 'x');
  EXPECT_EQ(load_error("random.pt"), "PATH is no TorchScript module" + remedy);
  std::ofstream(path("empty.pt")) << "";
  EXPECT_EQ(load_error("empty.pt"), "PATH is no TorchScript module" + remedy);

  std::stringstream whole;
  whole << std::ifstream(path("resnet.pt"), std::ios::binary).rdbuf();
  for (const size_t size : {size_t{100}, whole.str().size() / 2, whole.str().size() - 30}) {
    std::ofstream(path("cut.pt"), std::ios::binary) << whole.str().substr(0, size);
    EXPECT_EQ(load_error("cut.pt"), "PATH is cut short") << size;
  }
  std::string damaged = whole.str();
  damaged.erase(2000, 64);
  std::ofstream(path("damaged.pt"), std::ios::binary) << damaged;
  const std::string text = load_error("damaged.pt");
  EXPECT_TRUE(text.starts_with("PATH is no TorchScript module (")) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

TEST_F(Scripted, ModulesThatCannotBeTrainedSayWhy) {
  EXPECT_EQ(load_error("Empty.pt"), "PATH has no trainable parameters (is it frozen?)");
  EXPECT_EQ(load_error("NoForward.pt"), "PATH has no forward method");
  EXPECT_EQ(load_error("TwoInputs.pt"), "PATH: forward must take one tensor, it needs 2 arguments");
  // Newer versions of LibTorch name the operator before it.
  EXPECT_THAT(
      forward_error("Pair.pt", at::randn({3, 5}), "0"),
      testing::MatchesRegex("Pair.pt: forward failed: (addmm: )?mat1 and mat2 shapes cannot "
                            "be multiplied \\(3x5 and 4x2\\)"));
  EXPECT_EQ(forward_error("Raises.pt", at::randn({3, 4})), "Raises.pt: forward failed: no such");
  EXPECT_EQ(forward_error("Silent.pt", at::randn({3, 4})),
            "Silent.pt: forward failed: builtins.ValueError");
}

TEST_F(Scripted, AFolderThatIsNotThereIsAnIoError) {
  try {
    ScriptedModel::load(path("traced.pt"))->save(path("no/trained.pt"));
    FAIL();
  } catch (const IoError& error) {
    EXPECT_EQ(error.what(),
              "cannot write " + path("no/trained.pt") + ": No such file or directory");
  }
}

}  // namespace
}  // namespace valley::scripted_test
