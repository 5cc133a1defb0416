#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <map>
#include <regex>

#include "valley/core/error.h"
#include "valley/models/registry.h"
#include "valley/models/state_dict.h"
#include "valley/models/test_members.h"
#include "valley/optim/flat_parameters.h"

namespace valley::models_test {
namespace {

int64_t count_parameters(Model& model) {
  int64_t count = 0;
  for (const NamedTensor& parameter : model.parameters()) count += parameter.tensor.numel();
  return count;
}

bool same_parameters(Model& a, Model& b) {
  const auto left = a.parameters(), right = b.parameters();
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    if (left[i].name != right[i].name || !at::equal(left[i].tensor, right[i].tensor)) return false;
  }
  return true;
}

const std::vector<TestMember>& one_of_each_family() {
  constexpr std::array<int64_t, 3> kSmall = {1, 16, 16}, kText = {1, 1, 16};
  static const std::vector<TestMember> members = {{"mlp", kSmall},
                                                  {"mlp-32-16", kSmall},
                                                  {"lenet", kSmall},
                                                  {"vgg11", kSmall},
                                                  {"resnet-8", kSmall},
                                                  {"wide-resnet-10-1", kSmall},
                                                  {"pyramidnet-8-12", kSmall},
                                                  {"lstm", kSmall},
                                                  {"vit", kSmall},
                                                  {"lstm", kText, 3},
                                                  {"gpt-2-32", kText, 3}};
  return members;
}
constexpr std::array<int64_t, 3> kGray = {1, 28, 28}, kColour = {3, 32, 32};

TEST(Models, EveryRowHasAMemberInTheTests) {
  for (const ModelEntry& entry : models()) {
    const std::regex members(std::regex_replace(entry.name, std::regex("[A-Z]"), "[0-9]+"));
    EXPECT_TRUE(
        std::any_of(small_members().begin(), small_members().end(),
                    [&](const auto& member) { return std::regex_match(member.name, members); }))
        << entry.name;
  }
}

struct KnownCount {
  std::string name;
  int64_t gray, colour;  // for 1x28x28 and 3x32x32, 10 classes
};

const std::vector<KnownCount>& known_counts() {
  static const std::vector<KnownCount> counts = {
      // (784 + 1) 128 + (128 + 1) 64 + (64 + 1) 10, and 3072 in the place of 784
      {"mlp", 109386, 402250},
      {"mlp-32-32", 26506, 99722},
      // (25 + 1) 16 + (16 25 + 1) 32 + (32 5 5 + 1) 64 + 65 10, and 75, 6 6
      {"lenet", 65162, 88490},
      // 3x3 convolutions with biases, two values of BatchNorm a channel, 513 * 10
      {"vgg11", 9229962, 9231114},
      {"vgg13", 9414858, 9416010},
      {"vgg16", 14727114, 14728266},
      {"vgg19", 20039370, 20040522},
      // The paper's (option A): 0.27 M for 20, 1.7 M for 110; the rest is the 1x1 convolutions.
      {"resnet-8", 77754, 78042},
      {"resnet-14", 174970, 175258},
      {"resnet-20", 272186, 272474},
      {"resnet-32", 466618, 466906},
      {"resnet-44", 661050, 661338},
      {"resnet-56", 855482, 855770},
      {"resnet-110", 1730426, 1730714},
      // torchvision's 11,689,512 and 21,797,672, less its 7x7 stem's 9,408 - 1,728 and less
      // 513 * 990 for 1000 classes
      {"resnet-18", 11172810, 11173962},
      {"resnet-34", 21280970, 21282122},
      // Zagoruyko and Komodakis: 2.7 M for 16-4, 8.9 M for 40-4, 36.5 M for 28-10
      {"wide-resnet-10-1", 77562, 77850},
      {"wide-resnet-16-4", 2748602, 2748890},
      {"wide-resnet-40-4", 8948922, 8949210},
      {"wide-resnet-28-10", 36478906, 36479194},
      // Han, Kim and Kim: 1.7 M for 110-48, 3.8 M for 110-84, 28.3 M for 110-270. The model list
      // of the package pytorchcv has the same 1,772,706, 3,904,446 and 28,485,477.
      {"pyramidnet-20-48", 310557, 310845},
      {"pyramidnet-110-48", 1772418, 1772706},
      {"pyramidnet-110-84", 3904158, 3904446},
      {"pyramidnet-110-270", 28485189, 28485477},
      // Each direction 4 128 (28 + 128 + 2), then 4 128 (256 + 128 + 2); 257 10
      {"lstm", 559626, 629258},
      // A block (12 128 + 13) 128; 6 of them, 2 128, (49 + 1) 128, 128, (16 + 1) 128, 129 10
      {"vit", 1199882, 1205898},
  };
  return counts;
}

TEST(Models, ParameterCountsAreTheKnownOnes) {
  for (const auto& [name, gray, colour] : known_counts()) {
    SCOPED_TRACE(name);
    const auto model = make_model(name, {.input = kGray});
    EXPECT_EQ(count_parameters(*model), gray);
    if (gray < 5'000'000) {
      EXPECT_EQ(count_parameters(*make_model(name, {.input = kColour})), colour);
    } else {  // takes its time; the first convolution, [w, C, 3, 3], is what differs
      const at::Tensor first = model->parameters()[0].tensor;
      EXPECT_EQ(colour - gray, 2 * first.numel() / first.size(1));
    }
  }
}

TEST(Models, ParameterCountsInTheDocumentsAreRight) {
  std::ifstream file("docs/models.md");
  const std::regex row(R"(\| `([^`]+)` \| ([0-9,]+) \| ([0-9,]+) \|.*)");
  size_t rows = 0;
  for (std::string line; std::getline(file, line);) {
    std::smatch cells;
    if (!std::regex_match(line, cells, row)) continue;
    ++rows;
    const auto known = std::find_if(known_counts().begin(), known_counts().end(),
                                    [&](const auto& count) { return count.name == cells[1]; });
    ASSERT_NE(known, known_counts().end()) << line;
    const auto without_commas = [](std::string text) {
      std::erase(text, ',');
      return std::stoll(text);
    };
    EXPECT_EQ(without_commas(cells[2]), known->gray) << line;
    EXPECT_EQ(without_commas(cells[3]), known->colour) << line;
  }
  EXPECT_GE(rows, 20u);
}

TEST(Models, GiveLogitsAndEveryParameterGetsAGradient) {
  for (const TestMember& member : small_members()) {
    SCOPED_TRACE(member.key());
    const auto model = make_model(member.name, member.options(7));
    const at::Tensor logits = model->forward(member.batch(2));
    std::vector<int64_t> expected = {2, 7};
    if (member.vocabulary > 0) expected = {2, member.input[2], member.vocabulary};
    EXPECT_EQ(logits.sizes(), expected);
    logits.square().sum().backward();
    for (const auto& [name, parameter] : model->parameters()) {
      ASSERT_TRUE(parameter.grad().defined()) << name;
      EXPECT_GT(parameter.grad().abs().sum().item<float>(), 0) << name;
    }
  }
}

TEST(Models, TheSeedDecidesTheWeights) {
  for (const TestMember& member : small_members()) {
    const auto with_seed = [&](uint64_t seed) {
      return make_model(member.name, member.options(10, seed));
    };
    const auto model = with_seed(3);
    EXPECT_TRUE(same_parameters(*model, *with_seed(3))) << member.key();
    EXPECT_FALSE(same_parameters(*model, *with_seed(4))) << member.key();
  }
}

at::Tensor some_loss(Model& model, const at::Tensor& x) {
  const at::Tensor logits = model.forward(x).flatten(0, -2);  // of text a row a token
  at::Tensor target = at::zeros({logits.size(0)}, at::kLong);
  for (int64_t i = 0; i < logits.size(0); ++i) target.data_ptr<int64_t>()[i] = i % 3;
  return at::cross_entropy_loss(logits, target);
}

// As in training: every parameter is a view of one flat vector, and so is its gradient.
TEST(Models, LearnOnFlatParameters) {
  for (const TestMember& member : one_of_each_family()) {
    SCOPED_TRACE(member.key());
    at::manual_seed(1);
    const auto model = make_model(member.name, member.options(3));
    const FlatParameters flat(model->parameters(), model->buffers());
    const at::Tensor x = member.batch(4), before = flat.values().clone();
    float first = 0, last = 0;
    for (int step = 0; step < 3; ++step) {
      at::Tensor(flat.gradients()).zero_();
      const at::Tensor loss = some_loss(*model, x);
      loss.backward();
      last = loss.item<float>();
      if (step == 0) first = last;
      for (const NamedRange& range : flat.ranges()) {
        const at::Tensor gradient = flat.gradients().narrow(0, range.offset, range.size);
        ASSERT_GT(gradient.abs().max().item<float>(), 0) << range.name;
      }
      at::Tensor(flat.values()).sub_(flat.gradients(), 0.01);
    }
    EXPECT_LT(last, first);
    EXPECT_FALSE(at::equal(flat.values(), before));
  }
}

// H v, the derivative of the gradient in direction v, from differentiating twice, against the
// difference of two gradients. In float64, where that difference has digits left.
TEST(Models, CanBeDifferentiatedTwice) {
  for (const TestMember& member : one_of_each_family()) {
    SCOPED_TRACE(member.key());
    at::manual_seed(2);
    const auto model = make_model(member.name, member.options(3, 1));
    for (const auto& [key, tensor] : state_dict(*model)) {
      if (tensor.is_floating_point()) at::Tensor(tensor).set_data(tensor.detach().to(at::kDouble));
    }
    const FlatParameters flat(model->parameters(), model->buffers());
    at::Tensor values = flat.values(), gradient = flat.gradients();
    at::Tensor x = member.batch(4);
    if (member.vocabulary == 0) x = x.to(at::kDouble);
    at::Tensor v = at::randn_like(values);
    v /= v.norm();

    const auto parts = torch::autograd::grad({some_loss(*model, x)}, flat.parameters(), {}, {},
                                             /*create_graph=*/true);
    at::Tensor along = at::zeros({}, at::kDouble);  // <gradient, v>
    for (size_t i = 0; i < parts.size(); ++i) {
      const NamedRange& range = flat.ranges()[i];
      along = along + at::dot(parts[i].flatten(), v.narrow(0, range.offset, range.size));
    }
    along.backward();
    const at::Tensor product = gradient.clone();

    const double step = 1e-6;
    gradient.zero_();
    values.add_(v, step);
    some_loss(*model, x).backward();
    for (size_t i = 0; i < parts.size(); ++i) {
      const NamedRange& range = flat.ranges()[i];
      gradient.narrow(0, range.offset, range.size).sub_(parts[i].detach().flatten());
    }
    gradient.div_(step);
    EXPECT_GT(gradient.norm().item<double>(), 1e-6);
    EXPECT_LT((product.sub(gradient).norm() / gradient.norm()).item<double>(), 1e-4);
  }
}

TEST(Models, BuildingLeavesTheGeneratorAlone) {
  at::manual_seed(5);
  const at::Tensor expected = at::randn({4});
  at::manual_seed(5);
  make_model("lenet", {.seed = 1});
  EXPECT_TRUE(at::equal(at::randn({4}), expected));
}

TEST(Models, ThreadsMayBuildAtOnce) {
  std::vector<std::unique_ptr<Model>> expected;
  for (uint64_t seed = 0; seed < 4; ++seed) expected.push_back(make_model("mlp", {.seed = seed}));
  std::vector<std::future<std::unique_ptr<Model>>> built;
  for (int i = 0; i < 32; ++i) {
    built.push_back(std::async(std::launch::async, [i] {
      return make_model("mlp", {.seed = static_cast<uint64_t>(i % 4)});
    }));
  }
  for (int i = 0; i < 32; ++i) {
    EXPECT_TRUE(same_parameters(*built[i].get(), *expected[i % 4])) << i;
  }
}

TEST(Models, BatchNormLearnsInTrainingAndRestsInEvaluation) {
  const auto model = make_model("resnet-8", {.input = kColour});
  const at::Tensor x = at::randn({4, 3, 32, 32}).add(1);
  std::map<std::string, at::Tensor> before;
  for (const auto& [name, buffer] : model->buffers()) before[name] = buffer.clone();
  EXPECT_EQ(before.size(), 3u * 9);
  EXPECT_EQ(before.at("bn1.num_batches_tracked").item<int64_t>(), 0);

  model->train(false);
  const at::Tensor alone = model->forward(x.slice(0, 0, 1)), together = model->forward(x);
  EXPECT_TRUE(at::allclose(alone[0], together[0], 1e-4, 1e-5));
  for (const auto& [name, buffer] : model->buffers()) {
    EXPECT_TRUE(at::equal(buffer, before.at(name))) << name;
  }

  model->train(true);
  EXPECT_FALSE(at::allclose(model->forward(x), together, 1e-2, 1e-2));
  for (const auto& [name, buffer] : model->buffers()) {
    EXPECT_FALSE(at::equal(buffer, before.at(name))) << name;
  }
}

void expect_usage_error(const std::string& text, const std::function<void()>& call) {
  try {
    call();
    ADD_FAILURE() << "no error; expected: " << text;
  } catch (const UsageError& error) {
    EXPECT_EQ(error.what(), text);
  }
}

TEST(Models, ErrorsNameWhatIsWrong) {
  const std::string known =
      " known: mlp, mlp-A-B, lenet, vggD, resnet-D, wide-resnet-D-K, pyramidnet-D-A, lstm, vit, "
      "gpt-L-W, "
      "or a TorchScript file (net.pt)";
  const std::map<std::string, std::string> texts = {
      {"transformer", "unknown model 'transformer';"},
      {"lennet", "unknown model 'lennet'; did you mean 'lenet'?"},
      {"vgg-16", "unknown model 'vgg-16'; did you mean 'vgg16'?"},
      {"resnet18", "unknown model 'resnet18'; did you mean 'resnet-18'?"},
      {"resnet-08", "unknown model 'resnet-08'; did you mean 'resnet-D'?"},
      {"resnet--8", "unknown model 'resnet--8'; did you mean 'resnet-8'?"},
      {"resnet-", "unknown model 'resnet-'; did you mean 'resnet-D'?"},
      {"resnet-20x", "unknown model 'resnet-20x'; did you mean 'resnet-20'?"},
      {"resnet-99999999999999999999", "unknown model 'resnet-99999999999999999999';"},
      {"wideresnet-28-10", "unknown model 'wideresnet-28-10'; did you mean 'wide-resnet-28-10'?"},
      {"wide-resnet-28", "unknown model 'wide-resnet-28'; did you mean 'wide-resnet-D-K'?"},
      {"Resnet-8", "unknown model 'Resnet-8'; did you mean 'resnet-8'?"},
  };
  for (const auto& [name, text] : texts) {
    expect_usage_error(text + known, [&name = name] { make_model(name, {}); });
  }
  expect_usage_error("model mlp: input and classes must be at least 1, got 1x0x28 and 10", [] {
    make_model("mlp", {.input = {1, 0, 28}});
  });
}

TEST(Models, FamiliesNameTheirRule) {
  const std::vector<std::string> texts = {
      "model vggD: capital letters stand for numbers; see `valley list models`",
      "model vgg12: depth must be 11, 13, 16 or 19, got 12",
      "model resnet-50: depth must be 18 or 34, or 8, 14, 20, 32, 44, 56 or 110, got 50",
      "model wide-resnet-17-4: depth must be 6n+4 from 10 to 1000, got 17",
      "model wide-resnet-4-4: depth must be 6n+4 from 10 to 1000, got 4",
      "model wide-resnet-16-0: widening must be from 1 to 64, got 0",
      "model wide-resnet-16-65: widening must be from 1 to 64, got 65",
      "model pyramidnet-111-48: depth must be 6n+2 from 8 to 1202, got 111",
      "model pyramidnet-110-0: alpha must be from 1 to 1000, got 0",
      "model gpt-0-64: layers must be from 1 to 1000, got 0",
      "model gpt-2-96: width must be from 1 to 64 or a multiple of 64, got 96",
  };
  for (const std::string& text : texts) {
    const size_t begin = std::string("model ").size();
    const std::string name = text.substr(begin, text.find(':') - begin);
    const bool of_text = name.starts_with("gpt");
    expect_usage_error(text, [&] { make_model(name, {.vocabulary = of_text ? 10 : 0}); });
  }
}

TEST(Models, TextIsForThoseThatReadIt) {
  expect_usage_error("model lenet does not read text; lstm and gpt-L-W do, or a TorchScript file",
                     [] { make_model("lenet", {.vocabulary = 256}); });
  expect_usage_error("model gpt-2-64 reads text alone: data text:PATH",
                     [] { make_model("gpt-2-64", {}); });
}

int64_t parameters_of_gpt(int64_t layers, int64_t width, int64_t vocabulary, int64_t context) {
  return (vocabulary + context + 2) * width + layers * (12 * width + 13) * width;
}

// The count is affine in layers, vocabulary and context: the large one is not made.
TEST(Models, Gpt2HasItsParameters) {
  const auto count = [](const std::string& name, int64_t vocabulary, int64_t context) {
    return count_parameters(*make_model(
        name, {.input = {1, 1, context}, .classes = vocabulary, .vocabulary = vocabulary}));
  };
  const int64_t smallest = count("gpt-1-768", 1, 1);
  const int64_t block = count("gpt-2-768", 1, 1) - smallest;
  const int64_t token = count("gpt-1-768", 2, 1) - smallest;
  const int64_t place = count("gpt-1-768", 1, 2) - smallest;
  EXPECT_EQ(smallest + 11 * block + 50256 * token + 1023 * place, 124'439'808);
  EXPECT_EQ(parameters_of_gpt(12, 768, 50257, 1024), 124'439'808);
  EXPECT_EQ(count("gpt-4-128", 256, 128), parameters_of_gpt(4, 128, 256, 128));
  EXPECT_EQ(count("lstm", 256, 128), 329'984);
}

// The rows | `gpt-L-W` | V tokens | T | parameters | ...
TEST(Models, ParametersOfTextModelsInTheDocumentsAreRight) {
  std::ifstream file("docs/models.md");
  const std::regex row(R"(\| `gpt-(\d+)-(\d+)` \| (\d+) tokens \| (\d+) \| ([0-9,]+) \|.*)");
  size_t rows = 0;
  for (std::string line; std::getline(file, line);) {
    std::smatch cells;
    if (!std::regex_match(line, cells, row)) continue;
    ++rows;
    std::string count = cells[5];
    std::erase(count, ',');
    EXPECT_EQ(std::stoll(count), parameters_of_gpt(std::stoll(cells[1]), std::stoll(cells[2]),
                                                   std::stoll(cells[3]), std::stoll(cells[4])))
        << line;
  }
  EXPECT_GE(rows, 2u);
}

// What comes next must not be told by what is behind it.
TEST(Models, TextModelsLookBackOnly) {
  for (const char* name : {"lstm", "gpt-2-32"}) {
    const auto model =
        make_model(name, {.input = {1, 1, 12}, .classes = 9, .vocabulary = 9, .seed = 1});
    const at::Tensor tokens = at::randint(9, {2, 12}, at::kLong), other = tokens.clone();
    other.slice(1, 7).add_(1).remainder_(9);
    const at::Tensor before = model->forward(tokens), after = model->forward(other);
    EXPECT_TRUE(at::allclose(before.slice(1, 0, 7), after.slice(1, 0, 7), 1e-5, 1e-6)) << name;
    EXPECT_FALSE(at::allclose(before.slice(1, 7), after.slice(1, 7), 1e-3, 1e-4)) << name;
    // A shorter text is read as the beginning of a longer one.
    EXPECT_TRUE(
        at::allclose(model->forward(tokens.slice(1, 0, 5)), before.slice(1, 0, 5), 1e-5, 1e-6))
        << name;
  }
}

TEST(Models, InputsMustFit) {
  const auto make = [](const std::string& name, int64_t height, int64_t width) {
    return [=] { make_model(name, {.input = {1, height, width}}); };
  };
  expect_usage_error("model lenet needs inputs of at least 12x12, got 8x28", make("lenet", 8, 28));
  expect_usage_error("model vgg16 needs inputs of at least 16x16, got 8x8", make("vgg16", 8, 8));
  expect_usage_error("model vgg11 needs inputs of at least 16x16, got 16x15",
                     make("vgg11", 16, 15));
  expect_usage_error("model vit needs inputs whose sides are multiples of 4, got 30x32",
                     make("vit", 30, 32));
}

// What neither 28 nor 32 tells: other sides, and images that are not square.
TEST(Models, OtherSidesGoThrough) {
  const std::map<std::string, std::array<int64_t, 3>> inputs = {
      {"vgg11", {2, 16, 65}},         {"resnet-8", {2, 9, 1}}, {"wide-resnet-10-1", {2, 9, 1}},
      {"pyramidnet-8-12", {2, 9, 1}}, {"lstm", {2, 9, 1}},     {"vit", {2, 4, 12}},
  };
  for (const auto& [name, input] : inputs) {
    const auto model = make_model(name, {.input = input, .classes = 5});
    const at::Tensor x = at::randn({3, input[0], input[1], input[2]});
    EXPECT_EQ(model->forward(x).sizes(), (std::vector<int64_t>{3, 5})) << name;
  }
}

}  // namespace
}  // namespace valley::models_test
