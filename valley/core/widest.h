#pragma once

/// Loops over values, compiled twice: for every machine and for those with registers of 256 bits,
/// which widest() chooses between while the program runs. The bits are the same: neither has fused
/// multiply-adds, and who adds up says in which order.
namespace valley {

#if defined(__x86_64__) && defined(__GNUC__)
#define VALLEY_AVX2 __attribute__((target("avx2")))
inline bool has_avx2() {
  static const bool found = __builtin_cpu_supports("avx2");
  return found;
}
#else
#define VALLEY_AVX2
inline bool has_avx2() { return false; }
#endif

/// Before the body of what widest() calls, so that it is compiled as part of it.
#define VALLEY_INLINED __attribute__((always_inline))

template <typename F>
VALLEY_AVX2 void call_with_avx2(const F& f) {
  f();
}

/// f(), `[&]() VALLEY_INLINED { ... }`.
template <typename F>
void widest(const F& f) {
  has_avx2() ? call_with_avx2(f) : f();
}

}  // namespace valley
