#include "app/allocator.h"

#include <malloc.h>

namespace valley::app {

void keep_freed_memory() {
  constexpr int kGigabyte = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, kGigabyte);  // blocks below this come from the heap ...
  mallopt(M_TRIM_THRESHOLD, kGigabyte);  // ... which gives memory back only beyond this
  mallopt(M_TOP_PAD, 64 << 20);          // and grows in steps of this
}

}  // namespace valley::app
