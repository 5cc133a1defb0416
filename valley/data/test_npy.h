#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <string>
#include <vector>

#include "valley/data/test_files.h"

namespace valley {

/// A .npy file, version 1, of values of numpy's type `type`.
template <typename T>
Bytes npy_bytes(const std::string& type, const std::vector<int64_t>& shape,
                const std::vector<T>& values, bool fortran = false) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': ({},), }}", type,
                                   fortran ? "True" : "False", fmt::join(shape, ", "));
  header.resize((header.size() + 10 + 64) / 64 * 64 - 11, ' ');
  header += '\n';
  const std::string magic("\x93NUMPY\x01\x00", 8);
  Bytes bytes(magic.begin(), magic.end());
  bytes.push_back(static_cast<uint8_t>(header.size() & 0xff));
  bytes.push_back(static_cast<uint8_t>(header.size() >> 8));
  bytes.insert(bytes.end(), header.begin(), header.end());
  const size_t begin = bytes.size();
  bytes.resize(begin + values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(&bytes[begin], values.data(), values.size() * sizeof(T));
  return bytes;
}

}  // namespace valley
