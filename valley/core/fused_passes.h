#pragma once

namespace valley {

/// Whether Valley's own loops, which read and write memory once, pass over vectors in the memory of
/// this machine. On other devices LibTorch's operators do the same. VALLEY_FUSED=0 in the
/// environment says no, so that what is meant for other devices can be tested where there is none;
/// it is read once.
bool fused_passes();

/// While it lives, fused_passes() says no: for tests that compare the two ways. One at a time.
class OperatorsOnly {
 public:
  OperatorsOnly();
  ~OperatorsOnly();
  OperatorsOnly(const OperatorsOnly&) = delete;
  OperatorsOnly& operator=(const OperatorsOnly&) = delete;

 private:
  bool before_;
};

}  // namespace valley
