#pragma once

namespace valley {

// Where M is a power of two, s * (1/M) has the bits of s / M and takes a quarter of the time. Else
// only the division will do: the rounded factor 1/M is off in the same direction in every round.
template <typename T>
struct MultiplySum {
  T factor;
  template <typename V>
  V operator()(V sum) const {
    return sum * factor;
  }
};
template <typename T>
struct DivideSum {
  T workers;
  template <typename V>
  V operator()(V sum) const {
    return sum / workers;
  }
};

/// Calls f with what makes a mean of a sum over the workers, of one T or of a register of them.
template <typename T, typename F>
auto with_mean(int workers, const F& f) {
  if ((workers & (workers - 1)) == 0) return f(MultiplySum<T>{T(1) / T(workers)});
  return f(DivideSum<T>{T(workers)});
}

}  // namespace valley
