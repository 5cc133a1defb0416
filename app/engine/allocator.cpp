#include "app/engine/allocator.h"

#include <malloc.h>

namespace valley::app {

void keep_freed_memory() {
  constexpr int kGigabyte = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, 32 << 20);   // the largest value glibc takes: below, the heap ...
  mallopt(M_TRIM_THRESHOLD, kGigabyte);  // ... gives memory back only beyond this
  mallopt(M_TOP_PAD, 64 << 20);          // and grows in steps of this
}

}  // namespace valley::app
