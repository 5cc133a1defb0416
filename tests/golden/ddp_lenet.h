#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "valley/models/model.h"

/// The recipe of ddp_lenet.py in C++; see there. Only tests include this.
///
///     auto model = make_model("lenet", {});
///     golden::set_initial_weights(*model);             // before FlatParameters
///     auto [input, target] = golden::batch(*splits.train, step, rank, workers);
///     golden::DdpLenet expected = golden::read_ddp_lenet("tests/golden/ddp_lenet_2.json");
namespace valley::golden {

constexpr int64_t kRows = 600, kBatch = 16, kSteps = 100;
constexpr double kLearningRate = 0.05, kMomentum = 0.9, kWeightDecay = 1e-3;  // with Nesterov
constexpr double kTolerance = 1e-9;  ///< of a loss, and relative of a norm

/// Turns every parameter of a LeNet for 1x28x28 into float64 and gives it its weights.
inline void set_initial_weights(Model& lenet) {
  const std::map<std::string, double> fan_in = {
      {"conv1", 25}, {"conv2", 400}, {"fc1", 800}, {"fc2", 64}};
  uint32_t j = 0;
  for (auto& [name, tensor] : lenet.parameters()) {
    const double scale = std::sqrt(fan_in.at(name.substr(0, name.find('.'))));
    const at::Tensor values = at::empty(tensor.sizes(), at::kDouble);
    double* value = values.data_ptr<double>();
    for (int64_t i = 0; i < values.numel(); ++i, ++j) {
      uint32_t h = 2654435761u * j + 12345u;
      h ^= h >> 16;
      h *= 0x85ebca6bu;
      h ^= h >> 13;
      h *= 0xc2b2ae35u;
      h ^= h >> 16;
      value[i] = (2 * (std::ldexp(h >> 8, -24)) - 1) / scale;
    }
    at::Tensor(tensor).set_data(values);
  }
}

struct DdpBatch {
  at::Tensor input;   ///< [16, 1, 28, 28] float64
  at::Tensor target;  ///< [16] int64
};

/// Of Fashion-MNIST's training images as stored, [N, 1, 28, 28] uint8, and their labels, [N] int64.
inline DdpBatch batch(const at::Tensor& images, const at::Tensor& labels, int64_t step, int rank,
                      int workers) {
  const at::Tensor rows = at::empty({kBatch}, at::kLong);
  for (int64_t i = 0; i < kBatch; ++i) {
    rows.data_ptr<int64_t>()[i] = ((step * workers + rank) * kBatch + i) % kRows;
  }
  return {images.index_select(0, rows).to(at::kDouble).sub(128).div(128),
          labels.index_select(0, rows)};
}

struct DdpLenet {
  int workers = 0;
  std::vector<std::vector<double>> losses;  ///< [step][rank]
  std::map<std::string, double> norms;      ///< 2-norm of each final tensor
  double norm = 0;                          ///< of all of them together
};

inline DdpLenet read_ddp_lenet(const std::string& path) {
  const auto json = nlohmann::json::parse(std::ifstream(path));
  return {json.at("workers"), json.at("losses"), json.at("norms"), json.at("norm")};
}

}  // namespace valley::golden
