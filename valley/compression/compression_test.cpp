#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "valley/compression/compressor.h"
#include "valley/core/error.h"
#include "valley/core/fused_passes.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"
#include "valley/testing/test_device.h"

namespace valley::compression_test {
namespace {

std::string text_of(const CompressorEntry& entry) {
  return entry.takes_share ? entry.name + ":0.3" : entry.name;
}

at::Tensor through(const Compressor& c, const at::Tensor& x, uint64_t draw = 1) {
  at::Tensor payload = at::empty({c.bytes(x.numel(), int64_t(x.element_size()))}, at::kByte);
  payload.fill_(0xAB);
  c.compress(x, draw, payload);
  at::Tensor out = at::empty_like(x);
  out.fill_(std::nan(""));
  c.decompress(payload, out);
  return out;
}

double norm2(const at::Tensor& x) { return x.to(at::kDouble).square().sum().item<double>(); }

class EveryCompressor : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Compressor> make() const { return make_compressor(GetParam()); }
};

// What CHOCO needs: ||x - C(x)||^2 <= (1 - delta) ||x||^2 with some delta > 0.
TEST_P(EveryCompressor, BringsNearer) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    for (const int64_t d : {1, 2, 7, 8, 9, 255, 256, 257, 1000}) {
      const at::Tensor x = normals({d}, 3, dtype);
      double mean = 0;
      for (uint64_t draw = 1; draw <= 20; ++draw) {
        const at::Tensor c = through(*make(), x, draw);
        EXPECT_EQ(c.scalar_type(), dtype);
        mean += norm2(x - c) / 20;
      }
      EXPECT_LT(mean, norm2(x)) << GetParam() << " d " << d;
    }
  }
}

TEST_P(EveryCompressor, NothingStaysNothing) {
  for (const int64_t d : {1, 9, 300}) {
    EXPECT_EQ(norm2(through(*make(), at::zeros({d}, at::kFloat))), 0) << d;
  }
}

TEST_P(EveryCompressor, TheSameDrawGivesTheSame) {
  const at::Tensor x = normals({100}, 4, at::kFloat);
  EXPECT_TRUE(through(*make(), x, 7).equal(through(*make(), x, 7)));
}

// A payload is read by workers on whatever device; of rows of payloads, as a gather brings them,
// too.
TEST_P(EveryCompressor, OperatorsMakeAndReadTheSamePayload) {
  const auto c = make();
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    for (const int64_t d : {1, 2, 7, 8, 9, 255, 256, 257, 1000}) {
      at::Tensor x = normals({d}, 3, dtype);
      x.narrow(0, 0, (d + 1) / 2).copy_(x.narrow(0, d / 2, (d + 1) / 2).flip(0));  // equal moduli
      const int64_t bytes = c->bytes(d, int64_t(x.element_size()));
      at::Tensor loops = at::zeros({bytes}, at::kByte), expected = at::empty_like(x);
      c->compress(x, 9, loops);
      c->decompress(loops, expected);

      const OperatorsOnly only;
      const at::Tensor there = x.to(test_device());
      at::Tensor got = at::empty_like(there);
      at::Tensor payload = at::zeros({2, bytes}, there.options().dtype(at::kByte))[1];
      c->compress(there, 9, payload);
      const bool rounds_its_scale = GetParam() == "sign";
      EXPECT_TRUE(rounds_its_scale || payload.cpu().equal(loops)) << GetParam() << ", d " << d;
      c->decompress(payload, got);
      EXPECT_TRUE(at::allclose(got.cpu(), expected, rounds_its_scale ? 1e-6 : 0, 0))
          << GetParam() << ", d " << d;
      payload.copy_(loops);
      c->decompress(payload, got);
      EXPECT_TRUE(got.cpu().equal(expected)) << GetParam() << ", d " << d;
    }
  }
}

std::vector<std::string> all() {
  std::vector<std::string> texts;
  for (const auto& entry : compressors()) texts.push_back(text_of(entry));
  return texts;
}
INSTANTIATE_TEST_SUITE_P(Registry, EveryCompressor, testing::ValuesIn(all()), [](const auto& i) {
  std::string name = i.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(Compressors, NoneIsTheIdentity) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const at::Tensor x = normals({33}, 1, dtype);
    EXPECT_TRUE(through(*make_compressor("none"), x).equal(x));
  }
  EXPECT_EQ(make_compressor("none")->bytes(10, 8), 80);
}

TEST(Compressors, HalvesRoundToTheirPrecision) {
  const at::Tensor x = normals({1000}, 2, at::kFloat);
  for (const auto& [name, precision] : {std::pair{"bf16", 1.0 / 256}, {"fp16", 1.0 / 2048}}) {
    const at::Tensor c = through(*make_compressor(name), x);
    EXPECT_LE(((c - x).abs() / x.abs()).max().item<double>(), precision) << name;
    EXPECT_EQ(make_compressor(name)->bytes(10, 8), 20);
  }
}

TEST(Compressors, TopKKeepsTheLargestAndOfEqualsTheFirst) {
  const at::Tensor x =
      at::tensor({1.0, -5.0, 0.5, 5.0, -1.0, 3.0, 1.0, 0.0, 0.0, 0.0}, at::kDouble);
  const auto kept = [&](const char* text) { return through(*make_compressor(text), x); };
  const auto expected = [](std::vector<double> v) { return at::tensor(v, at::kDouble); };
  EXPECT_TRUE(kept("top-k:0.1").equal(expected({0, -5, 0, 0, 0, 0, 0, 0, 0, 0})));
  EXPECT_TRUE(kept("top-k:0.3").equal(expected({0, -5, 0, 5, 0, 3, 0, 0, 0, 0})));
  EXPECT_TRUE(kept("top-k:0.41").equal(expected({1, -5, 0, 5, -1, 3, 0, 0, 0, 0})));
  EXPECT_TRUE(kept("top-k:1").equal(x));
  EXPECT_EQ(make_compressor("top-k:0.1")->bytes(8, 4), 8);  // k = 1
  EXPECT_EQ(make_compressor("top-k:0.1")->bytes(10, 8), 12);
}

TEST(Compressors, RandomKKeepsEveryPlaceEquallyOften) {
  const at::Tensor x = normals({10}, 5, at::kDouble);
  const auto compressor = make_compressor("random-k:0.3");
  at::Tensor times = at::zeros({10}, at::kDouble);
  const int draws = 4000;
  for (uint64_t draw = 0; draw < draws; ++draw) {
    const at::Tensor c = through(*compressor, x, draw);
    const at::Tensor kept = c.ne(0);
    EXPECT_EQ(kept.sum().item<int64_t>(), 3);
    EXPECT_EQ(norm2((c - x) * kept), 0);
    times += kept;
  }
  // 3/10 of the draws each, with a deviation of sqrt(.3 .7 / 4000) = .0072.
  EXPECT_LT((times / draws - 0.3).abs().max().item<double>(), 0.03);
  EXPECT_EQ(compressor->bytes(10, 4), 8 + 3 * 4);
}

TEST(Compressors, SignHasTheMeanModulus) {
  const at::Tensor x = at::tensor({1.0, -2.0, 0.0, 3.0, -4.0, 0.5, 0.5, 0.5, -0.5}, at::kDouble);
  const at::Tensor c = through(*make_compressor("sign"), x);
  const double scale = double(float(12.0 / 9));
  EXPECT_TRUE(c.equal(
      at::tensor({scale, -scale, scale, scale, -scale, scale, scale, scale, -scale}, at::kDouble)));
  EXPECT_EQ(make_compressor("sign")->bytes(9, 4), 4 + 2);
}

TEST(Compressors, Int8ErrsByHalfAStepOfItsBlock) {
  at::Tensor x = normals({600}, 6, at::kFloat);
  x.narrow(0, 256, 256).mul_(1000);
  const at::Tensor c = through(*make_compressor("int8"), x);
  for (const int64_t begin : {0, 256, 512}) {
    const int64_t count = std::min<int64_t>(256, 600 - begin);
    const at::Tensor own = x.narrow(0, begin, count);
    const double step = own.abs().max().item<double>() / 127;
    EXPECT_LE((c.narrow(0, begin, count) - own).abs().max().item<double>(), step / 2 * 1.0001);
  }
  EXPECT_EQ(make_compressor("int8")->bytes(600, 4), 600 + 3 * 4);
}

TEST(Compressors, ErrorsSayWhatIsWrong) {
  const auto error = [](const std::string& text) {
    return error_of<UsageError>([&] { make_compressor(text); });
  };
  EXPECT_TRUE(error("topk:0.1").starts_with("unknown compressor 'topk'")) << error("topk:0.1");
  EXPECT_EQ(error("top-k"), "compress top-k needs the share that is sent: top-k:0.1");
  EXPECT_EQ(error("top-k:"), "compress top-k: the share must be in (0, 1], got ''");
  EXPECT_EQ(error("top-k:0"), "compress top-k: the share must be in (0, 1], got '0'");
  EXPECT_EQ(error("random-k:1.5"), "compress random-k: the share must be in (0, 1], got '1.5'");
  EXPECT_EQ(error("top-k:nan"), "compress top-k: the share must be in (0, 1], got 'nan'");
  EXPECT_EQ(error("sign:2"), "compress sign takes nothing after a colon, got 'sign:2'");
}

}  // namespace
}  // namespace valley::compression_test
