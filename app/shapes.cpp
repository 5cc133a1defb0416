#include "app/shapes.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/numbers.h"
#include "valley/record/json_file.h"

namespace valley::app {
namespace {

constexpr uint64_t kLongestHeader = 64 << 20;
constexpr int64_t kLongestSide = int64_t{1} << 31;

bool is_buffer(const std::string& name) {
  return name.ends_with("running_mean") || name.ends_with("running_var") ||
         name.ends_with("num_batches_tracked");
}

}  // namespace

std::vector<MatrixShape> parse_shapes(const std::string& text) {
  std::vector<MatrixShape> shapes;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    const size_t x = part.find('x');
    const auto number = [&](const std::string& digits) {
      const auto value = parse_number<int64_t>(digits);
      require(x != std::string::npos && value && *value >= 1 && *value < kLongestSide,
              "--shapes must be ROWSxCOLUMNS,...: 1024x784,256x1024, say, got {}", text);
      return *value;
    };
    shapes.push_back(
        {number(part.substr(0, x)), number(part.substr(std::min(x, part.size() - 1) + 1))});
    begin = end + 1;
  }
  return shapes;
}

std::vector<MatrixShape> shapes_in(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<unsigned char, 8> digits{};
  in.read(reinterpret_cast<char*>(digits.data()), 8);
  uint64_t bytes = 0;
  for (size_t i = 8; i-- > 0;) bytes = bytes << 8 | digits[i];
  require(in.good() && bytes <= kLongestHeader, "{} is no .safetensors file", file);
  std::string header(bytes, ' ');
  in.read(header.data(), static_cast<std::streamsize>(bytes));
  require(in.good(), "{} is no .safetensors file", file);
  std::vector<MatrixShape> shapes;
  try {
    const Json tensors = Json::parse(header);
    for (const auto& [name, tensor] : tensors.items()) {
      if (name == "__metadata__" || is_buffer(name)) continue;
      const auto sizes = tensor.at("shape").get<std::vector<int64_t>>();
      MatrixShape shape;
      for (size_t i = 0; i < sizes.size(); ++i) {
        int64_t& side = i == 0 && sizes.size() > 1 ? shape.rows : shape.columns;
        require(sizes[i] >= 0 && sizes[i] < kLongestSide && side * sizes[i] < kLongestSide,
                "{}: {} is no matrix of a network", file, name);
        side *= sizes[i];
      }
      shapes.push_back(shape);
    }
  } catch (const nlohmann::json::exception&) {
    throw UsageError(file + " is no .safetensors file");
  }
  return shapes;
}

std::vector<MatrixShape> with_the_rest(std::vector<MatrixShape> shapes, int64_t parameters) {
  int64_t rest = parameters;
  for (const MatrixShape& shape : shapes) {
    require(shape.rows * shape.columns <= rest, "--shapes are of more than {} parameters",
            parameters);
    rest -= shape.rows * shape.columns;
  }
  if (rest > 0) shapes.push_back({1, rest});
  return shapes;
}

}  // namespace valley::app
