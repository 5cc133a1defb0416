#include "valley/comm/fused.h"

#include <ATen/core/TensorBody.h>
#include <c10/core/GradMode.h>

#include "valley/comm/chunks.h"
#include "valley/core/fused_passes.h"

namespace valley {

bool fused(const at::Tensor& x) { return x.is_cpu() && fused_passes(); }

void copy_flat(const at::Tensor& to, const at::Tensor& from) {
  if (fused(to) && fused(from)) return copy_bytes(to.data_ptr(), from.data_ptr(), to.nbytes());
  if (to.numel() == 0 || to.data_ptr() == from.data_ptr()) return;
  const c10::NoGradGuard no_grad;
  to.view(-1).copy_(from.view(-1));
}

}  // namespace valley
